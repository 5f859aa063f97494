// Responses that many handlers give.
#ifndef MAOOCR_SERVE_HTTP_RESPOND_H_
#define MAOOCR_SERVE_HTTP_RESPOND_H_

#include <string>

#include "base/status.h"
#include "serve/http/message.h"
#include "serve/http/router.h"

namespace mao {

HttpResponse PlainError(int status, std::string message);
// What a request gets that matches no route: 404, or 405 when the path knows other methods.
HttpResponse NoRoute(const HttpRequest& request, const Router::Match& match);

HttpResponse JsonResponse(int status, std::string body);
// An error object in OpenAI's shape, with Retry-After where trying again can help.
HttpResponse OpenAiError(const Status& status);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_RESPOND_H_
