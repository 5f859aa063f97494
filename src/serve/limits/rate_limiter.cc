#include "serve/limits/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace mao {

std::chrono::milliseconds RateLimiter::Take(const std::string& client, Clock::time_point now) {
  using std::chrono::milliseconds;
  if (per_minute_ <= 0) return milliseconds(0);
  constexpr double kMsPerMinute = 60'000;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMaxClients && !buckets_.contains(client)) ForgetTheRested(now);
  Bucket& bucket = buckets_.try_emplace(client, Bucket{double(per_minute_), now}).first->second;
  const double elapsed_ms = std::chrono::duration<double, std::milli>(now - bucket.updated).count();
  bucket.tokens =
      std::min<double>(per_minute_, bucket.tokens + elapsed_ms * per_minute_ / kMsPerMinute);
  bucket.updated = now;
  if (bucket.tokens < 1) {
    return milliseconds(
        static_cast<int64_t>(std::ceil((1 - bucket.tokens) * kMsPerMinute / per_minute_)));
  }
  bucket.tokens -= 1;
  return milliseconds(0);
}

// A minute fills every bucket. When that frees nothing, too many clients come at once, and all
// begin anew: a limit for a short time too wide rather than memory without bound.
void RateLimiter::ForgetTheRested(Clock::time_point now) {
  std::erase_if(buckets_, [now](const auto& entry) {
    return now - entry.second.updated >= std::chrono::minutes(1);
  });
  if (buckets_.size() >= kMaxClients) buckets_.clear();
}

}  // namespace mao
