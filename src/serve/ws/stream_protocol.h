// /ws/stream: a prompt, its answer as it is written, the next prompt.
//
//   client  {"prompt": "...", "images": ["<base64, data URI or URL>"], "model": "...", and any
//            parameter of /v1/chat/completions}
//   server  {"text": "...", "finished": false}, any number of times, then
//           {"text": "", "finished": true, "finish_reason": "stop", "model": "...", "usage": {...}}
//           or {"error": {"message", "type", "code"}, "finished": true}
//   client  {"type": "cancel"} ends the answer that is being written, with an error "cancelled"
//
// One prompt at a time: another one is refused with an error and "finished": false.
#ifndef MAOOCR_SERVE_WS_STREAM_PROTOCOL_H_
#define MAOOCR_SERVE_WS_STREAM_PROTOCOL_H_

#include <memory>

#include "serve/api/service.h"
#include "serve/ws/web_socket.h"

namespace mao {

// The service must outlive the session.
std::shared_ptr<WebSocketSession> OpenStreamSession(Service& service, const CallContext& context,
                                                    std::shared_ptr<WebSocket> socket);

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_STREAM_PROTOCOL_H_
