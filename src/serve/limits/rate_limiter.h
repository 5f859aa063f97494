// How many requests a client may send.
#ifndef MAOOCR_SERVE_LIMITS_RATE_LIMITER_H_
#define MAOOCR_SERVE_LIMITS_RATE_LIMITER_H_

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace mao {

// A token bucket for each client: `per_minute` requests a minute on the long run, as many at once
// after a pause. Thread-safe.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  // Clients remembered; those who have their whole allowance are forgotten first.
  static constexpr size_t kMaxClients = 65536;

  // 0: no limit.
  explicit RateLimiter(int per_minute) : per_minute_(per_minute) {}

  // Zero: the request is allowed and counted. Otherwise when to come back.
  std::chrono::milliseconds Take(const std::string& client, Clock::time_point now);

 private:
  struct Bucket {
    double tokens;
    Clock::time_point updated;
  };

  void ForgetTheRested(Clock::time_point now);

  const int per_minute_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_LIMITS_RATE_LIMITER_H_
