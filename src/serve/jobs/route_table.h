// What the routes of this folder have in common.
#ifndef MAOOCR_SERVE_JOBS_ROUTE_TABLE_H_
#define MAOOCR_SERVE_JOBS_ROUTE_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/http/router.h"

namespace mao {

inline constexpr std::string_view kJobNotFound = "job_not_found";
inline constexpr std::string_view kFileNotFound = "file_not_found";

// Adds handlers that return an error instead of sending it.
class RouteTable {
 public:
  // The code is that of errors about what is not there; a literal.
  RouteTable(Interface interface, std::string_view not_found_code, Router& router)
      : interface_(interface), not_found_code_(not_found_code), router_(router) {}

  void Add(const char* method, const char* pattern,
           std::function<Status(const std::shared_ptr<Exchange>&)> handle) const;

 private:
  const Interface interface_;
  const std::string_view not_found_code_;
  Router& router_;
};

// A whole number of the query; InvalidArgument names it.
Result<int64_t> NumberParameter(const HttpRequest& request, std::string_view name,
                                int64_t if_absent);
// ?limit=
Result<size_t> PageLimit(const HttpRequest& request, size_t if_absent);

// "2026-01-31T12:00:00.123Z"; null for 0.
nlohmann::ordered_json IsoTime(int64_t utc_ms);
// Seconds, as OpenAI has them; null for 0.
nlohmann::ordered_json UnixSeconds(int64_t utc_ms);

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_ROUTE_TABLE_H_
