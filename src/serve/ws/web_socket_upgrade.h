// The WebSocket protocol (RFC 6455) on a connection of the HTTP server.
#ifndef MAOOCR_SERVE_WS_WEB_SOCKET_UPGRADE_H_
#define MAOOCR_SERVE_WS_WEB_SOCKET_UPGRADE_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "serve/http/router.h"
#include "serve/ws/web_socket.h"

namespace mao {

struct WebSocketOptions {
  // Of one message; 0: four thirds of the server's limit for bodies, for pictures in base64.
  size_t max_message_bytes = 0;
  size_t max_queued_bytes = size_t{16} << 20;  // that wait until the client reads
  // Half of it after the last sign of life a ping is sent, after all of it the socket is closed.
  std::chrono::seconds idle_timeout{60};
  std::chrono::seconds close_timeout{5};
  // For protocols that ask who the client is; see WebSocketSession::is_admitted.
  std::chrono::seconds admission_timeout{10};
  // Those that the protocol speaks; of what the client offers the first one is taken. A client that
  // offers none of them gets none.
  std::vector<std::string> subprotocols;
};

// A route for GET `pattern`, of Interface::kWebSocket and with a key. Requests that ask for no
// upgrade get 426.
//
// Refused by closing: binary messages (1003), text that is no UTF-8 (1007), messages above the
// limit (1009), too slowly or before the client is admitted (1008), or that find no memory (1013).
// Cut off: unmasked and
// otherwise wrong frames, floods of frames without content, clients that do not read.
Route WebSocketRoute(std::string pattern, const WebSocketOptions& options, OpenWebSocket open);

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_WEB_SOCKET_UPGRADE_H_
