#include "serve/middleware/admission.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/core.h>

#include "serve/http/respond.h"
#include "serve/middleware/request_id.h"

namespace mao {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kAllowedMethods = "GET, POST, DELETE, OPTIONS";
constexpr std::string_view kAllowedHeaders =
    "Authorization, Content-Type, X-API-Key, X-Request-Id, Cache-Control, traceparent, "
    "tracestate";

// Browsers cannot send headers of their own with a WebSocket, so there the key may be in the query.
std::string PresentedKey(const HttpRequest& request, bool may_be_in_query) {
  const std::string_view authorization = request.Header("Authorization");
  if (authorization.starts_with(kBearer)) {
    return std::string(authorization.substr(kBearer.size()));
  }
  const std::string_view header = request.Header("X-API-Key");
  if (!header.empty() || !may_be_in_query) return std::string(header);
  return request.QueryParameter("api_key").value_or("");
}

// Whether a page of this origin came from where the request goes.
bool IsSameOrigin(std::string_view origin, const HttpRequest& request) {
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view host = request.Header("Host");
  const std::string_view from = origin.substr(scheme + 3);
  return std::equal(
      from.begin(), from.end(), host.begin(), host.end(),
      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
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
  if (IsTraceparent(traceparent)) {
    context.traceparent = traceparent;
    const std::string_view tracestate = request.Header("tracestate");
    if (IsTracestate(tracestate)) context.tracestate = tracestate;
  }
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
  const bool is_upgrade = match.route->upgrade != nullptr && !request.Header("Upgrade").empty();
  if (is_upgrade) {
    // Browsers let any page open a WebSocket to anywhere, and with it act from this machine.
    admission.refusal = CheckSocketOrigin(request);
    if (admission.refusal.has_value()) return admission;
  }
  if (match.route->needs_key) {
    // Before the rate: strangers must not use up a client's allowance.
    admission.refusal = CheckKey(request, *match.route, is_upgrade);
    // Before the body: a refused request should cost nothing.
    if (!admission.refusal.has_value()) {
      const std::string& key = request.context.key_id;
      admission.refusal = CheckRate(key.empty() ? request.remote_address : key);
    }
  }
  return admission;
}

bool AdmissionControl::AdmitLate(std::string_view credentials, CallContext& context) {
  if (!config_.find_key || !context.key_id.empty()) return true;
  if (credentials.starts_with(kBearer)) credentials.remove_prefix(kBearer.size());
  std::optional<std::string> id = config_.find_key(credentials);
  if (!id.has_value() || CheckRate(*id).has_value()) return false;
  context.key_id = *std::move(id);
  return true;
}

std::optional<HttpResponse> AdmissionControl::CheckOrigin(const HttpRequest& request,
                                                          const Router::Match& match,
                                                          HttpHeaders& headers) const {
  const std::string_view origin = request.Header("Origin");
  if (origin.empty() || config_.cors_allow_origins.empty()) return std::nullopt;
  const bool is_any = IsAllowedOrigin("*");
  if (!is_any && !IsAllowedOrigin(origin)) {
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

bool AdmissionControl::IsAllowedOrigin(std::string_view origin) const {
  const std::vector<std::string>& allowed = config_.cors_allow_origins;
  return std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

std::optional<HttpResponse> AdmissionControl::CheckSocketOrigin(const HttpRequest& request) const {
  const std::string_view origin = request.Header("Origin");
  if (origin.empty() || IsSameOrigin(origin, request) || IsAllowedOrigin("*") ||
      IsAllowedOrigin(origin)) {
    return std::nullopt;
  }
  return PlainError(403, "pages of this origin may not open WebSockets here (cors_allow_origins)");
}

std::optional<HttpResponse> AdmissionControl::CheckKey(HttpRequest& request, const Route& route,
                                                       bool is_upgrade) const {
  if (!config_.find_key) return std::nullopt;
  const std::string key = PresentedKey(request, is_upgrade);
  if (key.empty() && is_upgrade && route.takes_key_after_upgrade) return std::nullopt;
  if (key.empty()) {
    return WrongKey("an API key is needed: send it as 'Authorization: Bearer KEY'");
  }
  std::optional<std::string> id = config_.find_key(key);
  if (!id.has_value()) return WrongKey("the API key is not known");
  request.context.key_id = *std::move(id);
  return std::nullopt;
}

std::optional<HttpResponse> AdmissionControl::CheckRate(const std::string& who) {
  const auto wait = rate_limiter_.Take(who, RateLimiter::Clock::now());
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
