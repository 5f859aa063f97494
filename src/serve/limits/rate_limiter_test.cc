#include "serve/limits/rate_limiter.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::milliseconds;
const RateLimiter::Clock::time_point kStart{};

TEST(RateLimiterTest, ZeroMeansNoLimit) {
  RateLimiter limiter(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.Take("a", kStart), milliseconds(0));
}

TEST(RateLimiterTest, AllowanceThenOneForEachInterval) {
  RateLimiter limiter(6);  // one in ten seconds
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limiter.Take("a", kStart), milliseconds(0));
  EXPECT_EQ(limiter.Take("a", kStart), milliseconds(10'000));
  EXPECT_EQ(limiter.Take("a", kStart + milliseconds(4'000)), milliseconds(6'000));
  EXPECT_EQ(limiter.Take("a", kStart + milliseconds(10'001)), milliseconds(0));
  EXPECT_GT(limiter.Take("a", kStart + milliseconds(10'002)), milliseconds(9'000));
}

TEST(RateLimiterTest, ClientsDoNotCountForEachOther) {
  RateLimiter limiter(1);
  EXPECT_EQ(limiter.Take("a", kStart), milliseconds(0));
  EXPECT_EQ(limiter.Take("b", kStart), milliseconds(0));
  EXPECT_GT(limiter.Take("a", kStart), milliseconds(0));
}

TEST(RateLimiterTest, APauseGivesNoMoreThanTheAllowance) {
  RateLimiter limiter(2);
  const auto later = kStart + std::chrono::hours(5);
  EXPECT_EQ(limiter.Take("a", kStart), milliseconds(0));
  EXPECT_EQ(limiter.Take("a", later), milliseconds(0));
  EXPECT_EQ(limiter.Take("a", later), milliseconds(0));
  EXPECT_GT(limiter.Take("a", later), milliseconds(0));
}

TEST(RateLimiterTest, ManyClientsAreForgotten) {
  RateLimiter limiter(1);
  for (size_t i = 0; i <= RateLimiter::kMaxClients; ++i) {
    EXPECT_EQ(limiter.Take(std::to_string(i), kStart), milliseconds(0));
  }
  EXPECT_EQ(limiter.Take("0", kStart + std::chrono::minutes(1)), milliseconds(0));
}

}  // namespace
}  // namespace mao
