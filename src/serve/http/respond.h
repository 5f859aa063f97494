// Responses that many handlers give.
#ifndef MAOOCR_SERVE_HTTP_RESPOND_H_
#define MAOOCR_SERVE_HTTP_RESPOND_H_

#include <string>

#include "base/status.h"
#include "serve/http/message.h"

namespace mao {

HttpResponse JsonResponse(int status, std::string body);
// The HTTP status of the error with this body, and Retry-After where trying again can help.
HttpResponse ErrorResponse(const Status& status, std::string body);
// An error object in OpenAI's shape.
HttpResponse OpenAiError(const Status& status);

// Whether the client wants an answer that is computed anew (Cache-Control: no-cache or no-store).
bool BypassesCache(const HttpRequest& request);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_RESPOND_H_
