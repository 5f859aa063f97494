// What every request passes before its body is read.
#ifndef MAOOCR_SERVE_MIDDLEWARE_ADMISSION_H_
#define MAOOCR_SERVE_MIDDLEWARE_ADMISSION_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/server.h"
#include "serve/limits/rate_limiter.h"

namespace mao {

struct AdmissionConfig {
  // The id of the key that a client presents; nullopt: there is no such key. Empty function: no
  // keys are wanted. Compares in constant time.
  std::function<std::optional<std::string>(std::string_view key)> find_key;
  int rate_limit_per_minute = 0;                // of a key, or an address without keys; 0: none
  std::vector<std::string> cors_allow_origins;  // "https://example.org", or "*"; empty: no CORS
};

// Thread-safe.
class AdmissionControl {
 public:
  explicit AdmissionControl(AdmissionConfig config);

  // Its body is the order of all that stands in front of the handlers.
  Admission Admit(HttpRequest& request, const Router::Match& match);

  // For Route::takes_key_after_upgrade: whether who has these credentials (a key, with or without
  // "Bearer " before it) may go on; then the context, of a request that Admit let pass, has its key.
  bool AdmitLate(std::string_view credentials, CallContext& context);

 private:
  std::optional<HttpResponse> CheckOrigin(const HttpRequest& request, const Router::Match& match,
                                          HttpHeaders& headers) const;
  bool IsAllowedOrigin(std::string_view origin) const;
  // As CORS does for requests of other kinds; pages from this server itself are always allowed.
  std::optional<HttpResponse> CheckSocketOrigin(const HttpRequest& request) const;
  std::optional<HttpResponse> CheckKey(HttpRequest& request, const Route& route,
                                       bool is_upgrade) const;
  std::optional<HttpResponse> CheckRate(const std::string& who);

  const AdmissionConfig config_;
  RateLimiter rate_limiter_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_MIDDLEWARE_ADMISSION_H_
