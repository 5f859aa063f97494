#include "kernels/norm/norm.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/arch/test_random.h"

namespace mao {
namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();

TEST(NormTest, MatchesDoubleAndIsTheSameOnEveryInstructionSet) {
  for (const int64_t n : {16, 64, 384, 1280}) {
    TestRandom random(static_cast<uint64_t>(n));
    const int64_t rows = 37;
    const auto x = random.Floats(static_cast<size_t>(rows * n), 3.0f);
    const auto weight = random.Floats(static_cast<size_t>(n));
    const auto bias = random.Floats(static_cast<size_t>(n));
    std::vector<float> layer_first, rms_first;
    ForEachIsa([&](CpuIsa isa) {
      ThreadPool pool(2);
      std::vector<float> layer(x.size()), rms(x.size());
      LayerNorm(x.data(), n, rows, n, weight.data(), bias.data(), 1e-5f, layer.data(), n, pool);
      RmsNorm(x.data(), n, rows, n, weight.data(), 1e-6f, rms.data(), n, pool);
      for (int64_t r = 0; r < rows; ++r) {
        double mean = 0, variance = 0, squares = 0;
        for (int64_t i = 0; i < n; ++i) mean += x[static_cast<size_t>(r * n + i)];
        mean /= static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) {
          const double v = x[static_cast<size_t>(r * n + i)];
          variance += (v - mean) * (v - mean);
          squares += v * v;
        }
        const double layer_scale = 1 / std::sqrt(variance / static_cast<double>(n) + 1e-5);
        const double rms_scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-6);
        for (int64_t i = 0; i < n; ++i) {
          const auto at = static_cast<size_t>(r * n + i);
          const double w = weight[static_cast<size_t>(i)];
          // Sums of n terms in 16 chains: error n/16 + 4 roundings, of magnitude at most 3.
          const double bound = kEps * (static_cast<double>(n) / 16 + 12) * 3 * layer_scale;
          ASSERT_NEAR(layer[at], (x[at] - mean) * layer_scale * w + bias[static_cast<size_t>(i)],
                      bound);
          ASSERT_NEAR(rms[at], x[at] * rms_scale * w, bound);
        }
      }
      if (layer_first.empty()) {
        layer_first = layer;
        rms_first = rms;
      }
      EXPECT_EQ(layer, layer_first) << CpuIsaName(isa);
      EXPECT_EQ(rms, rms_first) << CpuIsaName(isa);
    });
  }
}

TEST(NormTest, WorksInPlaceAndWithStrides) {
  TestRandom random(1);
  auto x = random.Floats(3 * 48);
  const auto weight = random.Floats(32);
  std::vector<float> dense(3 * 32);
  ThreadPool pool(1);
  RmsNorm(x.data(), 48, 3, 32, weight.data(), 1e-6f, dense.data(), 32, pool);
  RmsNorm(x.data(), 48, 3, 32, weight.data(), 1e-6f, x.data(), 48, pool);
  for (size_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < 32; ++i) EXPECT_EQ(x[r * 48 + i], dense[r * 32 + i]);
  }
}

}  // namespace
}  // namespace mao
