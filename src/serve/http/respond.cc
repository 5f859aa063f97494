#include "serve/http/respond.h"

#include <utility>

#include "serve/api/error.h"

namespace mao {

HttpResponse JsonResponse(int status, std::string body) {
  return {status, "application/json", std::move(body), {}};
}

HttpResponse ErrorResponse(const Status& status, std::string body) {
  const ApiError error = ToApiError(status);
  HttpResponse response = JsonResponse(error.http_status, std::move(body));
  if (error.is_retryable) {
    response.headers.emplace_back("Retry-After", std::to_string(kRetryAfterSeconds));
  }
  return response;
}

HttpResponse OpenAiError(const Status& status) {
  return ErrorResponse(status, OpenAiErrorBody(status));
}

bool BypassesCache(const HttpRequest& request) {
  const std::string_view control = request.Header("Cache-Control");
  return control.find("no-cache") != std::string_view::npos ||
         control.find("no-store") != std::string_view::npos;
}

}  // namespace mao
