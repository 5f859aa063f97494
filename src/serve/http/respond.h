// Responses that many handlers give.
#ifndef MAOOCR_SERVE_HTTP_RESPOND_H_
#define MAOOCR_SERVE_HTTP_RESPOND_H_

#include <string>

#include "base/status.h"
#include "serve/http/message.h"

namespace mao {

HttpResponse JsonResponse(int status, std::string body);
// An error object in OpenAI's shape, with Retry-After where trying again can help.
HttpResponse OpenAiError(const Status& status);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_RESPOND_H_
