#include "engine/sample/logprobs.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(LogprobsTest, LogSumExp) {
  EXPECT_NEAR(LogSumExp(std::vector<float>{0, 0, 0, 0}), std::log(4.0), 1e-12);
  EXPECT_NEAR(LogSumExp(std::vector<float>{1000, 1000, -kInf, kNan}), 1000 + std::log(2.0), 1e-9);
  EXPECT_EQ(LogSumExp(std::vector<float>{-kInf, kNan}), -kInf);
}

TEST(LogprobsTest, TopAreBestFirstThenByIdAndSkipWhatCannotBe) {
  const std::vector<float> logits = {1, kNan, 3, 2, 3, -kInf, 0};
  std::vector<TokenLogprob> top(3);
  ASSERT_EQ(TopLogprobs(logits, 10, top), 3);
  EXPECT_EQ(top[0].id, 2);
  EXPECT_EQ(top[1].id, 4);
  EXPECT_EQ(top[2].id, 3);
  EXPECT_FLOAT_EQ(top[0].logprob, -7);
  EXPECT_FLOAT_EQ(top[2].logprob, -8);
  std::vector<TokenLogprob> more(20);
  EXPECT_EQ(TopLogprobs(logits, 10, more), 5);
  EXPECT_EQ(more[4].id, 6);
  EXPECT_EQ(TopLogprobs(logits, 10, {}), 0);
}

}  // namespace
}  // namespace mao
