#include "layers/linear.h"

#include <cstring>
#include <utility>
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

// Weights whose borders fall inside panels; pieces of one, two and the last five panels.
TEST(LinearTest, PiecesOfAStackHaveTheBytesOfTheWhole) {
  ThreadPool pool(2);
  TestRandom random(5);
  const TestTensor first({40, 96}, random), second({33, 96}, random), third({60, 96}, random);
  const TensorView stack[] = {first.view(), second.view(), third.view()};
  const auto shape = ShapeOfStack(stack);
  ASSERT_TRUE(shape.ok());
  ASSERT_EQ(shape->n, 133);
  for (const WeightFormat format :
       {WeightFormat::kF32, WeightFormat::kBF16, WeightFormat::kInt8, WeightFormat::kInt4}) {
    auto whole = Buffer::Allocate(PackedWeightsBytes(format, shape->n, shape->k));
    auto pieces = Buffer::Allocate(PackedWeightsBytes(format, shape->n, shape->k));
    ASSERT_TRUE(whole.ok() && pieces.ok());
    PackStack(stack, 0, {format, shape->n, shape->k, whole->data()}, pool);
    for (const auto& [begin, end] : {std::pair{0, 16}, {16, 48}, {48, 133}}) {
      PackStack(stack, begin,
                {format, end - begin, shape->k,
                 pieces->data() + begin / kDotPanelColumns * PanelBytes(format, shape->k)},
                pool);
    }
    EXPECT_EQ(std::memcmp(whole->data(), pieces->data(), whole->size_bytes()), 0);
  }
}

TEST(LinearTest, PackedMemoryIsUsedWhereItIs) {
  ThreadPool pool(1);
  TestRandom random(3);
  const TestTensor weight({33, 64}, random), bias({33}, random), other({3}, random);
  const TensorView weights[] = {weight.view()};
  const TensorView biases[] = {bias.view()};
  auto memory = Buffer::Allocate(PackedWeightsBytes(WeightFormat::kInt8, 33, 64));
  ASSERT_TRUE(memory.ok());
  const PackedWeights packed = {WeightFormat::kInt8, 33, 64, memory->data()};
  PackStack(weights, 0, packed, pool);
  const auto in_place = Linear::FromPacked(packed, biases);
  const auto loaded = Linear::Pack({{weight.view()}, {bias.view()}}, WeightFormat::kInt8, pool);
  ASSERT_TRUE(in_place.ok() && loaded.ok());
  EXPECT_EQ(in_place->Problem(nullptr, 0, 0, nullptr, 0).w.data, memory->data());
  EXPECT_EQ(in_place->size_bytes(), loaded->size_bytes());
  ExecutionContext ctx = {pool, DType::kBF16, {}, {}};
  ASSERT_TRUE(ctx.scratch.Reserve(DotScratchBytes(16, 64)).ok());
  const auto x = random.Floats(64);
  std::vector<float> y(33), z(33);
  in_place->Forward(ctx, x.data(), 64, 1, y.data(), 33);
  loaded->Forward(ctx, x.data(), 64, 1, z.data(), 33);
  EXPECT_EQ(y, z);
  const TensorView wrong[] = {other.view()};
  EXPECT_FALSE(Linear::FromPacked(packed, wrong).ok());
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
