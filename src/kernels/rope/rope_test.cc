#include "kernels/rope/rope.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/arch/test_random.h"

namespace mao {
namespace {

TEST(RopeTest, MatchesDoubleAndIsTheSameOnEveryInstructionSet) {
  const int64_t heads = 3;
  const int64_t dim = 64;
  const std::vector<int32_t> positions = {0, 7, 3, 99};
  std::vector<float> cos(100 * dim / 2), sin(cos.size());
  for (int p = 0; p < 100; ++p) {
    for (int64_t i = 0; i < dim / 2; ++i) {
      const double angle = p * std::pow(10000.0, -2.0 * static_cast<double>(i) / dim);
      cos[static_cast<size_t>(p * dim / 2 + i)] = static_cast<float>(std::cos(angle));
      sin[static_cast<size_t>(p * dim / 2 + i)] = static_cast<float>(std::sin(angle));
    }
  }
  TestRandom random(8);
  const auto x = random.Floats(4 * 200);  // stride 200 > heads * dim: the rest stays untouched
  std::vector<float> first;
  ForEachIsa([&](CpuIsa isa) {
    ThreadPool pool(2);
    auto y = x;
    RotateHalf(y.data(), 200, 4, heads, dim, positions.data(), cos.data(), sin.data(), pool);
    for (size_t r = 0; r < 4; ++r) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < dim / 2; ++i) {
          const size_t a = r * 200 + static_cast<size_t>(h * dim + i);
          const size_t b = a + static_cast<size_t>(dim / 2);
          const auto t = static_cast<size_t>(positions[r] * dim / 2 + i);
          const double c = cos[t], s = sin[t];
          ASSERT_NEAR(y[a], x[a] * c - x[b] * s, 4e-7);
          ASSERT_NEAR(y[b], x[b] * c + x[a] * s, 4e-7);
        }
      }
      for (size_t i = heads * dim; i < 200; ++i) ASSERT_EQ(y[r * 200 + i], x[r * 200 + i]);
    }
    if (first.empty()) first = y;
    EXPECT_EQ(y, first) << CpuIsaName(isa);
  });
}

}  // namespace
}  // namespace mao
