#include "tensor/shape.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

TEST(ShapeTest, KnowsItsDimensions) {
  const Shape shape = {2, 3, 4};
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape.dim(1), 3);
  EXPECT_EQ(shape.num_elements(), 24);
  EXPECT_EQ(shape.ToString(), "[2, 3, 4]");
  EXPECT_EQ(std::vector<int64_t>(shape.dims().begin(), shape.dims().end()),
            (std::vector<int64_t>{2, 3, 4}));
}

TEST(ShapeTest, ScalarHasOneElementAndAZeroDimensionNone) {
  EXPECT_EQ(Shape().num_elements(), 1);
  EXPECT_EQ(Shape().ToString(), "[]");
  EXPECT_EQ((Shape{5, 0, 3}).num_elements(), 0);
}

TEST(ShapeTest, EqualityComparesRankAndDimensions) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{2, 3, 0}));
  EXPECT_FALSE(Shape() == Shape{0});
}

TEST(ShapeTest, ElementCountSaturates) {
  EXPECT_EQ((Shape{kLargest, 2}).num_elements(), kLargest);
  EXPECT_EQ((Shape{kLargest, 2, 0}).num_elements(), 0);
  EXPECT_EQ((Shape{int64_t{1} << 32, int64_t{1} << 32}).num_elements(), kLargest);
}

TEST(ShapeTest, MakeAcceptsUpToTheLimits) {
  const std::vector<int64_t> six = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(Shape::Make(six).ok());
  EXPECT_EQ(Shape::Make(six)->num_elements(), 720);
  const std::vector<int64_t> largest = {kLargest / 8};
  EXPECT_TRUE(Shape::Make(largest).ok());
  EXPECT_EQ(Shape::Make({}).value(), Shape());
}

TEST(ShapeTest, MakeRefusesWhatDoesNotFit) {
  const std::vector<int64_t> seven(7, 1);
  EXPECT_EQ(Shape::Make(seven).status().code(), StatusCode::kOutOfRange);
  const std::vector<int64_t> negative = {2, -1};
  EXPECT_EQ(Shape::Make(negative).status().code(), StatusCode::kInvalidArgument);
  const std::vector<int64_t> above = {kLargest / 8 + 1};
  EXPECT_EQ(Shape::Make(above).status().code(), StatusCode::kOutOfRange);
  const std::vector<int64_t> zero_first = {0, int64_t{1} << 40, int64_t{1} << 40};
  const std::vector<int64_t> zero_last = {int64_t{1} << 40, int64_t{1} << 40, 0};
  EXPECT_EQ(Shape::Make(zero_first).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(Shape::Make(zero_last).status().code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace mao
