// The time that stores write into their rows. Tests bring a clock of their own.
#ifndef MAOOCR_SERVE_STORE_CLOCK_H_
#define MAOOCR_SERVE_STORE_CLOCK_H_

#include <chrono>
#include <cstdint>
#include <functional>

namespace mao {

// Milliseconds since 1970-01-01 UTC. May step back: stores order by row number, never by time.
using UtcClock = std::function<int64_t()>;

inline int64_t UtcNowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_CLOCK_H_
