#include "layers/conv2d.h"

#include <vector>

#include <gtest/gtest.h>

#include "layers/test_tensor.h"

namespace mao {
namespace {

TEST(Conv2dTest, MatchesTheDefinition) {
  ThreadPool pool(2);
  for (const auto& [kernel, stride, padding, side] :
       {std::tuple{1, 1, 0, 5}, {3, 1, 1, 7}, {3, 2, 1, 8}, {3, 1, 1, 40}}) {
    TestRandom random(6);
    const int64_t in = 32, out = 20;
    const TestTensor weight({out, in, kernel, kernel}, random);
    auto conv = Conv2d::Create(weight.view(), stride, padding, WeightFormat::kF32, pool);
    ASSERT_TRUE(conv.ok());
    const auto x = random.Floats(static_cast<size_t>(side * side * in));
    const int64_t out_side = conv->OutputSide(side);
    EXPECT_EQ(out_side, (side + 2 * padding - kernel) / stride + 1);
    std::vector<float> y(static_cast<size_t>(out_side * out_side * out));
    FloatMatrix columns;
    ASSERT_TRUE(conv->ReserveColumns(side, columns).ok());
    ExecutionContext ctx = {pool, DType::kF32, {}, {}};
    ASSERT_TRUE(ctx.scratch.Reserve(DotScratchBytes(conv->RowsPerBand(side), conv->depth())).ok());
    conv->Forward(ctx, x.data(), side, y.data(), columns);
    for (int64_t oy = 0; oy < out_side; ++oy) {
      for (int64_t ox = 0; ox < out_side; ++ox) {
        for (int64_t o = 0; o < out; ++o) {
          double sum = 0;
          for (int64_t ky = 0; ky < kernel; ++ky) {
            for (int64_t kx = 0; kx < kernel; ++kx) {
              const int64_t sy = oy * stride - padding + ky;
              const int64_t sx = ox * stride - padding + kx;
              if (sy < 0 || sy >= side || sx < 0 || sx >= side) continue;
              for (int64_t c = 0; c < in; ++c) {
                sum +=
                    static_cast<double>(x[static_cast<size_t>((sy * side + sx) * in + c)]) *
                    weight.values[static_cast<size_t>(((o * in + c) * kernel + ky) * kernel + kx)];
              }
            }
          }
          ASSERT_NEAR(y[static_cast<size_t>((oy * out_side + ox) * out + o)], sum, 2e-4);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mao
