#include "serve/http/respond.h"

#include <utility>

#include <fmt/core.h>

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

HttpResponse PlainError(int status, std::string message) {
  return {status, "text/plain; charset=utf-8", std::move(message) + "\n", {}};
}

HttpResponse NoRoute(const HttpRequest& request, const Router::Match& match) {
  if (match.allowed_methods.empty()) {
    return PlainError(404, "there is nothing at " + request.path);
  }
  HttpResponse response = PlainError(405, fmt::format("{} answers {}, not {}", request.path,
                                                      match.allowed_methods, request.method));
  response.headers.emplace_back("Allow", match.allowed_methods);
  return response;
}

}  // namespace mao
