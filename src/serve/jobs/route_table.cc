#include "serve/jobs/route_table.h"

#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "serve/http/respond.h"

namespace mao {

void RouteTable::Add(const char* method, const char* pattern,
                     std::function<Status(const std::shared_ptr<Exchange>&)> handle) const {
  Route route;
  route.interface = interface_;
  route.method = method;
  route.pattern = pattern;
  route.handler = [handle = std::move(handle),
                   code = not_found_code_](const std::shared_ptr<Exchange>& exchange) {
    const Status status = handle(exchange);
    if (!status.ok()) exchange->Send(OpenAiError(status, code));
  };
  router_.Add(std::move(route));
}

Result<int64_t> NumberParameter(const HttpRequest& request, std::string_view name,
                                int64_t if_absent) {
  const std::optional<std::string> text = request.QueryParameter(name);
  if (!text.has_value()) return if_absent;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) {
    return InvalidArgumentError(fmt::format("{}: expected a whole number", name));
  }
  return number;
}

Result<size_t> PageLimit(const HttpRequest& request, size_t if_absent) {
  MAO_ASSIGN_OR_RETURN(const int64_t limit,
                       NumberParameter(request, "limit", static_cast<int64_t>(if_absent)));
  if (limit < 1) return InvalidArgumentError("limit: expected at least 1");
  return static_cast<size_t>(limit);
}

nlohmann::ordered_json IsoTime(int64_t utc_ms) {
  constexpr int64_t kMsPerSecond = 1000;
  if (utc_ms == 0) return nullptr;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(utc_ms / kMsPerSecond)),
                     utc_ms % kMsPerSecond);
}

nlohmann::ordered_json UnixSeconds(int64_t utc_ms) {
  constexpr int64_t kMsPerSecond = 1000;
  if (utc_ms == 0) return nullptr;
  return utc_ms / kMsPerSecond;
}

}  // namespace mao
