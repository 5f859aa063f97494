#include "serve/ws/routes.h"

#include <utility>

#include "serve/ws/ocr_protocol.h"
#include "serve/ws/stream_protocol.h"
#include "serve/ws/web_socket_upgrade.h"

namespace mao {

void AddWebSocketRoutes(Service& service, Router& router) {
  const auto add = [&](const char* pattern, auto open) {
    router.Add(WebSocketRoute(
        pattern, {},
        [&service, open](const HttpRequest& request, std::shared_ptr<WebSocket> socket) {
          return open(service, request.context, std::move(socket));
        }));
  };
  add("/ws/stream", OpenStreamSession);
  add("/ws/ocr", OpenOcrSession);
}

}  // namespace mao
