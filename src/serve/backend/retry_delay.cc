#include "serve/backend/retry_delay.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <string>

#include <curl/curl.h>

namespace mao {

using std::chrono::milliseconds;

milliseconds BackoffDelay(const BackoffConfig& config, int retry) {
  constexpr int kMaxDoublings = 20;
  const int64_t whole =
      std::min(config.longest.count(), config.first.count() << std::min(retry, kMaxDoublings));
  thread_local std::minstd_rand random{std::random_device()()};
  return milliseconds(std::uniform_int_distribution<int64_t>(whole / 2, whole)(random));
}

milliseconds ParseRetryAfter(std::string_view header, std::chrono::system_clock::time_point now) {
  constexpr int64_t kMsPerSecond = 1000;
  constexpr int64_t kMaxSeconds = 24 * 3600;
  int64_t seconds = 0;
  const char* const end = header.data() + header.size();
  const auto parsed = std::from_chars(header.data(), end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    const time_t date = curl_getdate(std::string(header).c_str(), nullptr);
    if (date < 0) return milliseconds(0);
    seconds = date - std::chrono::system_clock::to_time_t(now);
  }
  return milliseconds(std::clamp<int64_t>(seconds, 0, kMaxSeconds) * kMsPerSecond);
}

}  // namespace mao
