// /ws/ocr: pages to be read, several at once over one socket.
//
//   client  {"id": "...", "image": "<base64, data URI or URL>", "mode": "markdown", and any field of
//            POST /api/ocr}
//   server  {"id", "type": "accepted"}, then
//           {"id", "type": "progress", "stage": "reading", "page": 1} when the model begins to write,
//           of a PDF {"stage": "opened", "pages": 12} first, and {"stage": "reading", "page", "pages"} for
//           every page, whose texts have "page" too, and which ends with
//           {"id", "type": "page", "page": 1, "result": {a page of the answer of POST /api/ocr}};
//           {"id", "type": "text", "text": "..."} what it writes, before anything is made of it,
//           {"id", "type": "result", "result": {the answer of POST /api/ocr}}
//           or {"id", "type": "error", "error": {"message", "type", "code"}}
//   client  {"type": "cancel", "id": "..."} ends a page with the error "cancelled"
//
// Ids are strings or integers; one may be used again when its page has ended. A message that cannot
// be told to belong to an id is answered with an error without one.
#ifndef MAOOCR_SERVE_WS_OCR_PROTOCOL_H_
#define MAOOCR_SERVE_WS_OCR_PROTOCOL_H_

#include <memory>

#include "serve/api/service.h"
#include "serve/ws/web_socket.h"

namespace mao {

inline constexpr size_t kMaxPagesPerSocket = 64;

// The service must outlive the session.
std::shared_ptr<WebSocketSession> OpenOcrSession(Service& service, const CallContext& context,
                                                 std::shared_ptr<WebSocket> socket);

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_OCR_PROTOCOL_H_
