// The OpenAI interface: /v1/chat/completions, /v1/completions, /v1/models, /tokenize, /detokenize.
#ifndef MAOOCR_SERVE_OPENAI_ROUTES_H_
#define MAOOCR_SERVE_OPENAI_ROUTES_H_

#include "serve/api/service.h"
#include "serve/http/router.h"

namespace mao {

// The service outlives the router.
void AddOpenAiRoutes(Service& service, Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_OPENAI_ROUTES_H_
