#include "serve/middleware/admission.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "serve/http/respond.h"
#include "serve/middleware/request_id.h"

namespace mao {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kAllowedMethods = "GET, POST, DELETE, OPTIONS";
constexpr std::string_view kAllowedHeaders =
    "Authorization, Content-Type, X-API-Key, X-Request-Id, Cache-Control, traceparent";

std::string_view PresentedKey(const HttpRequest& request) {
  const std::string_view authorization = request.Header("Authorization");
  if (authorization.starts_with(kBearer)) return authorization.substr(kBearer.size());
  return request.Header("X-API-Key");
}

HttpResponse WrongKey(std::string_view message) {
  return {401,
          "application/json",
          fmt::format(R"({{"error":{{"message":"{}","type":"authentication_error","param":null,)"
                      R"("code":"invalid_api_key"}}}})",
                      message),
          {{"WWW-Authenticate", "Bearer"}}};
}

void NameRequest(HttpRequest& request, HttpHeaders& response_headers) {
  const std::string_view given = request.Header("X-Request-Id");
  CallContext& context = request.context;
  context.request_id = IsRequestId(given) ? std::string(given) : NewRequestId();
  const std::string_view traceparent = request.Header("traceparent");
  if (IsTraceparent(traceparent)) context.traceparent = traceparent;
  response_headers.emplace_back("X-Request-Id", context.request_id);
}

}  // namespace

AdmissionControl::AdmissionControl(AdmissionConfig config)
    : config_(std::move(config)), rate_limiter_(config_.rate_limit_per_minute) {}

Admission AdmissionControl::Admit(HttpRequest& request, const Router::Match& match) {
  Admission admission;
  // First, so that every answer, also a refusal, can be found in the log.
  NameRequest(request, admission.response_headers);
  // Before the key: a browser's preflight carries none, and a refusal must be readable by its page.
  admission.refusal = CheckOrigin(request, match, admission.response_headers);
  if (admission.refusal.has_value() || match.route == nullptr) return admission;
  if (match.route->needs_key) {
    // Before the rate: strangers must not use up a client's allowance.
    admission.refusal = CheckKey(request);
    // Before the body: a refused request should cost nothing.
    if (!admission.refusal.has_value()) admission.refusal = CheckRate(request);
  }
  return admission;
}

std::optional<HttpResponse> AdmissionControl::CheckOrigin(const HttpRequest& request,
                                                          const Router::Match& match,
                                                          HttpHeaders& headers) const {
  const std::string_view origin = request.Header("Origin");
  if (origin.empty() || config_.cors_allow_origins.empty()) return std::nullopt;
  const std::vector<std::string>& allowed = config_.cors_allow_origins;
  const bool is_any = std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
  if (!is_any && std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) {
    return std::nullopt;  // without the headers the browser refuses
  }
  headers.emplace_back("Access-Control-Allow-Origin", is_any ? "*" : std::string(origin));
  headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  if (!is_any) headers.emplace_back("Vary", "Origin");
  if (request.method != "OPTIONS" || match.route != nullptr) return std::nullopt;
  headers.emplace_back("Access-Control-Allow-Methods", kAllowedMethods);
  headers.emplace_back("Access-Control-Allow-Headers", kAllowedHeaders);
  headers.emplace_back("Access-Control-Max-Age", "600");
  return HttpResponse{204, "", "", {}};
}

std::optional<HttpResponse> AdmissionControl::CheckKey(HttpRequest& request) const {
  if (!config_.find_key) return std::nullopt;
  const std::string_view key = PresentedKey(request);
  if (key.empty()) {
    return WrongKey("an API key is needed: send it as 'Authorization: Bearer KEY'");
  }
  std::optional<std::string> id = config_.find_key(key);
  if (!id.has_value()) return WrongKey("the API key is not known");
  request.context.key_id = *std::move(id);
  return std::nullopt;
}

std::optional<HttpResponse> AdmissionControl::CheckRate(const HttpRequest& request) {
  const std::string& key = request.context.key_id;
  const auto wait =
      rate_limiter_.Take(key.empty() ? request.remote_address : key, RateLimiter::Clock::now());
  if (wait.count() == 0) return std::nullopt;
  HttpResponse response = OpenAiError(ResourceExhaustedError(
      fmt::format("more than {} requests a minute, which is the limit (rate_limit_per_minute)",
                  config_.rate_limit_per_minute)));
  constexpr int64_t kMsPerSecond = 1000;
  for (auto& [name, value] : response.headers) {
    if (name == "Retry-After") {
      value = std::to_string((wait.count() + kMsPerSecond - 1) / kMsPerSecond);
    }
  }
  return response;
}

}  // namespace mao
