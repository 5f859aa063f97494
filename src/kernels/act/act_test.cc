#include "kernels/act/act.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/arch/test_random.h"

namespace mao {
namespace {

TEST(ActTest, SiluAndMulMatchesDoubleAndIsTheSameOnEveryInstructionSet) {
  TestRandom random(4);
  const int64_t n = 112;
  const int64_t rows = 9;
  auto x = random.Floats(static_cast<size_t>(rows * 2 * n), 30.0f);
  x[0] = -200.0f;  // far beyond the range of exp: the result is (nearly) zero, not NaN
  x[1] = 200.0f;
  std::vector<float> first;
  ForEachIsa([&](CpuIsa isa) {
    ThreadPool pool(2);
    std::vector<float> y(static_cast<size_t>(rows * n));
    SiluAndMul(x.data(), 2 * n, rows, n, y.data(), n, pool);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < n; ++i) {
        const double gate = x[static_cast<size_t>(r * 2 * n + i)];
        const double up = x[static_cast<size_t>(r * 2 * n + n + i)];
        const double expected = gate / (1 + std::exp(-gate)) * up;
        // exp: 2e-7 and |gate| eps/2 of rounding its argument; three more roundings.
        ASSERT_NEAR(y[static_cast<size_t>(r * n + i)], expected, 1e-6 * (1 + std::abs(expected)));
      }
    }
    if (first.empty()) first = y;
    EXPECT_EQ(y, first) << CpuIsaName(isa);
  });
}

TEST(ActTest, SoftmaxMatchesDoubleAndIsTheSameOnEveryInstructionSet) {
  TestRandom random(5);
  for (const int64_t n : {1, 15, 16, 64, 70}) {
    const int64_t rows = 5;
    auto x = random.Floats(static_cast<size_t>(rows * n), 20.0f);
    x[0] = -500.0f;  // a weight that vanishes
    std::vector<float> first;
    ForEachIsa([&](CpuIsa isa) {
      ThreadPool pool(2);
      std::vector<float> y(x.size());
      Softmax(x.data(), rows, n, y.data(), pool);
      for (int64_t r = 0; r < rows; ++r) {
        const auto* row = &x[static_cast<size_t>(r * n)];
        const double max = *std::max_element(row, row + n);
        double sum = 0.0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(row[i] - max);
        for (int64_t i = 0; i < n; ++i) {
          // Exp2: 2e-7; its argument, up to 60 where the weight still counts, is rounded twice to
          // half of 4e-6 there, and once the offset; the sum has as much again.
          ASSERT_NEAR(y[static_cast<size_t>(r * n + i)], std::exp(row[i] - max) / sum, 1e-5)
              << CpuIsaName(isa) << " n=" << n;
        }
      }
      if (first.empty()) first = y;
      EXPECT_EQ(y, first) << CpuIsaName(isa);
    });
  }
}

}  // namespace
}  // namespace mao
