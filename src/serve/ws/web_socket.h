// WebSockets as protocols see them: texts in both directions, and no network.
#ifndef MAOOCR_SERVE_WS_WEB_SOCKET_H_
#define MAOOCR_SERVE_WS_WEB_SOCKET_H_

#include <functional>
#include <memory>
#include <string>

#include "serve/http/message.h"

namespace mao {

// RFC 6455, 7.4.1, and IANA's registry.
enum class WebSocketClose {
  kNormal = 1000,
  kGoingAway = 1001,
  kUnsupportedData = 1003,
  kPolicyViolation = 1008,
  kInternalError = 1011,
  kTryAgainLater = 1013,
};

// The client's end. Thread-safe; nothing waits.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // Nothing once the socket is closed. A client that reads too slowly is cut off.
  virtual void Send(std::string text) = 0;
  // After what was sent. `code` may be of the protocol's own (4000 to 4999); `reason` has at most
  // 123 bytes.
  virtual void Close(int code, std::string reason) = 0;
};

// What a protocol knows of one socket.
class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;
  // On a thread for handlers, one at a time; the next message is not read meanwhile.
  virtual void OnMessage(std::string text) = 0;
  // Once, after the last message; the socket is closed, so what is under way should end. On the
  // thread of the network: must be quick.
  virtual void OnClose() = 0;
  // Whether the client has said who it is, where the protocol asks for that: until then messages
  // must be small. Any thread.
  virtual bool is_admitted() const { return true; }
  // It has not, in the time it had. Maybe more than once, on the thread of the network: must be
  // quick, and close the socket.
  virtual void OnAdmissionTimeout() {}
  // Whether nothing is under way: then a server that shuts down may close the socket. Any thread.
  virtual bool is_idle() const = 0;
};

// Called for each accepted request, which stays where it is for as long as the socket.
using OpenWebSocket = std::function<std::shared_ptr<WebSocketSession>(
    const HttpRequest& request, std::shared_ptr<WebSocket> socket)>;

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_WEB_SOCKET_H_
