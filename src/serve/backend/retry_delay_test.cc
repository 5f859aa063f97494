#include "serve/backend/retry_delay.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RetryDelayTest, DoublesUpToTheLongest) {
  const BackoffConfig config = {milliseconds(100), milliseconds(1000)};
  for (const auto& [retry, whole] : {std::pair(0, 100), std::pair(1, 200), std::pair(3, 800),
                                     std::pair(4, 1000), std::pair(1000, 1000)}) {
    for (int i = 0; i < 100; ++i) {
      const auto delay = BackoffDelay(config, retry);
      EXPECT_GE(delay, milliseconds(whole / 2));
      EXPECT_LE(delay, milliseconds(whole));
    }
  }
}

TEST(RetryDelayTest, IsNotTheSameForAll) {
  const BackoffConfig config = {milliseconds(1 << 20), milliseconds(1 << 20)};
  const auto first = BackoffDelay(config, 0);
  bool differs = false;
  for (int i = 0; i < 20; ++i) differs |= BackoffDelay(config, 0) != first;
  EXPECT_TRUE(differs);
}

TEST(RetryDelayTest, RetryAfter) {
  const auto now = std::chrono::system_clock::from_time_t(784111777);
  EXPECT_EQ(ParseRetryAfter("0", now), seconds(0));
  EXPECT_EQ(ParseRetryAfter("7", now), seconds(7));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:47 GMT", now), seconds(10));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:07 GMT", now), seconds(0));
  EXPECT_EQ(ParseRetryAfter("999999999", now), std::chrono::hours(24));
  for (const char* text : {"", "-5", "soon", "1.5x", "99999999999999999999"}) {
    EXPECT_EQ(ParseRetryAfter(text, now), seconds(0)) << text;
  }
}

}  // namespace
}  // namespace mao
