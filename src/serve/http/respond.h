// Responses that many handlers give.
#ifndef MAOOCR_SERVE_HTTP_RESPOND_H_
#define MAOOCR_SERVE_HTTP_RESPOND_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/api/error.h"
#include "serve/http/message.h"
#include "serve/http/router.h"

namespace mao {

HttpResponse PlainError(int status, std::string message);
// What a request gets that matches no route: 404, or 405 when the path knows other methods.
HttpResponse NoRoute(const HttpRequest& request, const Router::Match& match);

HttpResponse JsonResponse(int status, std::string body);
// The HTTP status of the error with this body, and Retry-After where trying again can help.
HttpResponse ErrorResponse(const Status& status, std::string body);
// An error object in OpenAI's shape.
HttpResponse OpenAiError(const Status& status, std::string_view not_found_code = kModelNotFound);

// Whether the client wants an answer that is computed anew (Cache-Control: no-cache or no-store).
bool BypassesCache(const HttpRequest& request);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_RESPOND_H_
