#include "tensor/tensor_view.h"

#include <array>
#include <cstring>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(TensorViewTest, ViewsElementsInPlace) {
  const std::array<float, 6> values = {1, 2, 3, 4, 5, 6};
  const TensorView view = {DType::kF32, {2, 3}, reinterpret_cast<const std::byte*>(values.data())};
  EXPECT_EQ(view.size_bytes(), 24u);
  EXPECT_EQ(view.bytes().size(), 24u);
  ASSERT_TRUE(view.is_aligned());
  ASSERT_EQ(view.As<float>().size(), 6u);
  EXPECT_EQ(view.As<float>()[4], 5.0f);
  EXPECT_EQ(view.As<float>().data(), values.data());
}

TEST(TensorViewTest, LoadsUnalignedElements) {
  alignas(4) std::array<std::byte, 9> bytes = {};
  const std::array<float, 2> values = {1.5f, -2.0f};
  std::memcpy(bytes.data() + 1, values.data(), sizeof(values));
  const TensorView view = {DType::kF32, {2}, bytes.data() + 1};
  EXPECT_FALSE(view.is_aligned());
  EXPECT_EQ(view.Load<float>(0), 1.5f);
  EXPECT_EQ(view.Load<float>(1), -2.0f);
}

TEST(TensorViewTest, SizeFollowsTheElementType) {
  EXPECT_EQ((TensorView{DType::kBF16, {3, 5}, nullptr}).size_bytes(), 30u);
  EXPECT_EQ((TensorView{DType::kI64, {}, nullptr}).size_bytes(), 8u);
  EXPECT_EQ((TensorView{DType::kU8, {0, 4}, nullptr}).size_bytes(), 0u);
}

}  // namespace
}  // namespace mao
