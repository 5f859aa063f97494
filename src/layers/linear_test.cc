#include "layers/linear.h"

#include <vector>

#include <gtest/gtest.h>

#include "layers/test_tensor.h"

namespace mao {
namespace {

TEST(LinearTest, StackedWeightsAndBiasesEqualSeparateOnes) {
  ThreadPool pool(2);
  TestRandom random(2);
  const TestTensor first({40, 64}, random), second({33, 64}, random);
  const TestTensor bias_first({40}, random), bias_second({33}, random);
  auto both = Linear::Pack({{first.view(), second.view()}, {bias_first.view(), bias_second.view()}},
                           WeightFormat::kF32, pool);
  auto alone = Linear::Pack({{second.view()}, {bias_second.view()}}, WeightFormat::kF32, pool);
  ASSERT_TRUE(both.ok() && alone.ok());
  ExecutionContext ctx = {pool, DType::kF32, {}, {}};
  ASSERT_TRUE(ctx.scratch.Reserve(DotScratchBytes(16, 64)).ok());
  const auto x = random.Floats(3 * 64);
  std::vector<float> y(3 * 73), z(3 * 33);
  both->Forward(ctx, x.data(), 64, 3, y.data(), 73);
  alone->Forward(ctx, x.data(), 64, 3, z.data(), 33);
  for (size_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < 33; ++i) EXPECT_EQ(y[r * 73 + 40 + i], z[r * 33 + i]);
    double sum = bias_first.values[5];
    for (int64_t k = 0; k < 64; ++k) {
      sum += static_cast<double>(x[r * 64 + static_cast<size_t>(k)]) * first.at(5, k);
    }
    EXPECT_NEAR(y[r * 73 + 5], sum, 1e-4);
  }
}

TEST(LinearTest, RefusesDepthsItCannotPack) {
  ThreadPool pool(1);
  TestRandom random(2);
  const TestTensor odd({16, 40}, random);
  EXPECT_EQ(Linear::Pack({{odd.view()}, {}}, WeightFormat::kF32, pool).status().code(),
            StatusCode::kUnimplemented);
  const TestTensor other({16, 64}, random), bias({3}, random);
  EXPECT_FALSE(Linear::Pack({{other.view(), odd.view()}, {}}, WeightFormat::kF32, pool).ok());
  EXPECT_FALSE(Linear::Pack({{other.view()}, {bias.view()}}, WeightFormat::kF32, pool).ok());
}

}  // namespace
}  // namespace mao
