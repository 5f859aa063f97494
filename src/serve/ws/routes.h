// The addresses of WebSockets: /ws/stream and /ws/ocr.
#ifndef MAOOCR_SERVE_WS_ROUTES_H_
#define MAOOCR_SERVE_WS_ROUTES_H_

#include "serve/api/service.h"
#include "serve/http/router.h"

namespace mao {

// The service outlives the router.
void AddWebSocketRoutes(Service& service, Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_ROUTES_H_
