#include "serve/http/respond.h"

#include <utility>

#include <fmt/core.h>

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

HttpResponse OpenAiError(const Status& status, std::string_view not_found_code) {
  return ErrorResponse(status, OpenAiErrorBody(status, not_found_code));
}

bool BypassesCache(const HttpRequest& request) {
  const std::string_view control = request.Header("Cache-Control");
  return control.find("no-cache") != std::string_view::npos ||
         control.find("no-store") != std::string_view::npos;
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
