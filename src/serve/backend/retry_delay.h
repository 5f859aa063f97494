// How long to wait before a request is sent once more.
#ifndef MAOOCR_SERVE_BACKEND_RETRY_DELAY_H_
#define MAOOCR_SERVE_BACKEND_RETRY_DELAY_H_

#include <chrono>
#include <string_view>

namespace mao {

struct BackoffConfig {
  std::chrono::milliseconds first{200};
  std::chrono::milliseconds longest{10'000};
};

// Doubles with each retry (0 is the first), up to the longest; of that a random part between half
// and all, so that many who were refused together do not come back together.
std::chrono::milliseconds BackoffDelay(const BackoffConfig& config, int retry);

// A Retry-After header (RFC 9110, 10.2.3): seconds, or a date, which `now` is compared with. Zero if
// it is neither.
std::chrono::milliseconds ParseRetryAfter(std::string_view header,
                                          std::chrono::system_clock::time_point now);

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_RETRY_DELAY_H_
