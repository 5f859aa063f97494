#include "layers/position_table.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

// The weights themselves: resizing unit vectors shows one row of taps.
FloatMatrix Identity(int64_t n) {
  FloatMatrix matrix;
  EXPECT_TRUE(matrix.Reserve(n * n, n).ok());
  for (int64_t y = 0; y < n; ++y) {
    for (int64_t x = 0; x < n; ++x) {
      for (int64_t c = 0; c < n; ++c) matrix.row(y * n + x)[c] = c == x ? 1.0f : 0.0f;
    }
  }
  return matrix;
}

// Check values recorded from PyTorch's antialiased bicubic.
TEST(PositionTableTest, BicubicWeightsAreThoseOfPyTorch) {
  auto smaller = ResizeGridBicubic(Identity(16), 16, 10);
  ASSERT_TRUE(smaller.ok());
  const float expected[] = {0.6113809f, 0.4290918f, -0.0182127f, -0.02226f, 0.0f};
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(smaller->row(0)[i], expected[i], 1e-6f);
  auto larger = ResizeGridBicubic(Identity(64), 64, 80);
  ASSERT_TRUE(larger.ok());
  EXPECT_NEAR(larger->row(1)[0], 0.2806592f, 1e-6f);
  EXPECT_NEAR(larger->row(1)[1], 0.7905962f, 1e-6f);
  EXPECT_NEAR(larger->row(1)[2], -0.0712555f, 1e-6f);
}

TEST(PositionTableTest, SameSizeIsACopy) {
  const FloatMatrix source = Identity(4);
  auto same = ResizeGridBicubic(source, 4, 4);
  ASSERT_TRUE(same.ok());
  for (int64_t i = 0; i < 4 * 4 * 4; ++i) EXPECT_EQ(same->data()[i], source.data()[i]);
}

TEST(PositionTableTest, LinearRowsInterpolateAndClampAtTheEnds) {
  FloatMatrix source;
  ASSERT_TRUE(source.Reserve(4, 1).ok());
  for (int64_t i = 0; i < 4; ++i) source.row(i)[0] = static_cast<float>(i * i);
  auto result = ResizeRowsLinear(source, 8);
  ASSERT_TRUE(result.ok());
  const float expected[] = {0, 0.25f, 0.75f, 1.75f, 3.25f, 5.25f, 7.75f, 9.0f};
  for (int64_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(result->row(i)[0], expected[i]);
}

}  // namespace
}  // namespace mao
