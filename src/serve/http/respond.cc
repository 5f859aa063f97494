#include "serve/http/respond.h"

#include <utility>

#include "serve/api/error.h"

namespace mao {

HttpResponse JsonResponse(int status, std::string body) {
  return {status, "application/json", std::move(body), {}};
}

HttpResponse OpenAiError(const Status& status) {
  const ApiError error = ToApiError(status);
  HttpResponse response = JsonResponse(error.http_status, OpenAiErrorBody(status));
  if (error.is_retryable) {
    response.headers.emplace_back("Retry-After", std::to_string(kRetryAfterSeconds));
  }
  return response;
}

}  // namespace mao
