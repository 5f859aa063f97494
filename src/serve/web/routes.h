// The page at /.
#ifndef MAOOCR_SERVE_WEB_ROUTES_H_
#define MAOOCR_SERVE_WEB_ROUTES_H_

#include "serve/http/router.h"

namespace mao {

void AddWebRoutes(Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_WEB_ROUTES_H_
