// The REST interface: our own /api/ocr, Ollama's /api/..., Mistral's /v1/ocr.
#ifndef MAOOCR_SERVE_REST_ROUTES_H_
#define MAOOCR_SERVE_REST_ROUTES_H_

#include <string>

#include "serve/api/service.h"
#include "serve/http/router.h"

namespace mao {

struct RestOptions {
  std::string version;  // of the program
  FetchUrl fetch_url;   // the service's; may be empty
};

// The service outlives the router.
void AddRestRoutes(Service& service, const RestOptions& options, Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_ROUTES_H_
