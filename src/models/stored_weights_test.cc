#include "models/stored_weights.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weights/synthetic.h"

namespace mao {
namespace {

std::vector<std::byte> SyntheticRows(const std::string& name, const Shape& shape, DType dtype) {
  std::vector<std::byte> bytes(static_cast<size_t>(shape.num_elements()) * SizeBytes(dtype));
  EXPECT_TRUE(FillSynthetic(name, shape, dtype, 0, bytes).ok());
  return bytes;
}

// The bytes that files of kPackedLayoutVersion have. If this fails, files that people have packed
// would be misread: raise the version, then put the new sums here.
TEST(StoredWeightsTest, TheLayoutIsThatOfItsVersion) {
  ASSERT_EQ(kPackedLayoutVersion, 1);
  ThreadPool pool(1);
  const Shape shapes[] = {Shape({40, 224}), Shape({29, 224})};
  const auto first = SyntheticRows("a.weight", shapes[0], DType::kBF16);
  const auto second = SyntheticRows("b.weight", shapes[1], DType::kBF16);
  const TensorView stack[] = {{DType::kBF16, shapes[0], first.data()},
                              {DType::kBF16, shapes[1], second.data()}};
  const auto sum_of = [&](WeightFormat format) {
    auto memory = Buffer::Allocate(PackedWeightsBytes(format, 69, 224));
    EXPECT_TRUE(memory.ok());
    PackStack(stack, 0, {format, 69, 224, memory->data()}, pool);
    return SyntheticSeed(AsStringView({memory->data(), memory->size_bytes()}));  // CRC-32
  };
  EXPECT_EQ(sum_of(WeightFormat::kF32), 573698701u);
  EXPECT_EQ(sum_of(WeightFormat::kBF16), 4173354632u);
  EXPECT_EQ(sum_of(WeightFormat::kInt8), 1180633864u);
  EXPECT_EQ(sum_of(WeightFormat::kInt4), 1720500130u);
}

TEST(StoredWeightsTest, NamesTellTheWeightsAndTheFormat) {
  const auto name = [](const std::vector<std::string>& weights, WeightFormat format) {
    return PackedName(weights, format);
  };
  EXPECT_EQ(name({"lm_head.weight"}, WeightFormat::kInt8), "lm_head.packed_int8");
  EXPECT_EQ(name({"m.0.q_proj.weight", "m.0.k_proj.weight"}, WeightFormat::kBF16),
            "m.0.q_proj+k_proj.packed_bf16");
  EXPECT_EQ(name({"a.x.weight", "b.x.weight"}, WeightFormat::kF32), "a.x+b.x.packed_f32");
  EXPECT_EQ(name({"table"}, WeightFormat::kInt4), "table.packed_int4");
}

TEST(StoredWeightsTest, ShapesCountPanelsAndTheirBytes) {
  EXPECT_EQ(PackedShape(WeightFormat::kBF16, {33, 64}), Shape({3, 64 * 16 * 2}));
  EXPECT_EQ(PackedShape(WeightFormat::kInt8, {16, 192}), Shape({1, 192 * 16 + 2 * 64}));
  for (const auto format :
       {WeightFormat::kF32, WeightFormat::kBF16, WeightFormat::kInt8, WeightFormat::kInt4}) {
    for (const int64_t k : {32, 96, 896, 1280}) {
      const Shape shape = PackedShape(format, {50, k});
      EXPECT_EQ(static_cast<size_t>(shape.num_elements()), PackedWeightsBytes(format, 50, k));
      EXPECT_EQ(shape.dim(1) % 64, 0) << "panels must stay aligned";
    }
  }
}

TEST(StoredWeightsTest, FormatsFollowRoleTypeAndQuantization) {
  const TensorView bf16 = {DType::kBF16, Shape({1, 32}), nullptr};
  const TensorView f32 = {DType::kF32, Shape({1, 32}), nullptr};
  const TensorView mixed[] = {bf16, f32};
  const auto format = [](WeightRole role, Quantization quantization, DType dtype,
                         const TensorView& weight) {
    return FormatOf(role, quantization, dtype, {&weight, 1});
  };
  using enum WeightRole;
  using enum WeightFormat;
  for (const auto quantization : {Quantization::kNone, Quantization::kInt8, Quantization::kInt4}) {
    EXPECT_EQ(format(kRouter, quantization, DType::kBF16, bf16), kF32);
    EXPECT_EQ(format(kVision, quantization, DType::kF32, bf16), kBF16);
    EXPECT_EQ(format(kVision, quantization, DType::kF32, f32), kF32);
    EXPECT_EQ(format(kVision, quantization, DType::kBF16, f32), kBF16);
  }
  EXPECT_EQ(format(kLanguage, Quantization::kNone, DType::kBF16, bf16), kBF16);
  EXPECT_EQ(format(kLanguage, Quantization::kInt8, DType::kBF16, bf16), kInt8);
  EXPECT_EQ(format(kLanguage, Quantization::kInt4, DType::kF32, f32), kInt4);
  EXPECT_EQ(format(kSensitive, Quantization::kInt8, DType::kBF16, bf16), kInt8);
  EXPECT_EQ(format(kSensitive, Quantization::kInt4, DType::kBF16, bf16), kInt8);
  EXPECT_EQ(FormatOf(kLanguage, Quantization::kNone, DType::kF32, mixed), kF32);
}

// The fuzzer starts from files that pass, or it would never see what comes after.
TEST(StoredWeightsTest, TheSeedsOfTheFuzzerAreGoodFiles) {
  const ModelTensors model = {
      {{"q.weight", {5, 32}}, {"k.weight", {3, 32}}, {"o.weight", {16, 96}}, {"norm", {4}}},
      {{{"q.weight", "k.weight"}, WeightRole::kSensitive}, {{"o.weight"}, WeightRole::kLanguage}}};
  for (const std::string name : {"none", "int8", "int4", "plain"}) {
    const auto file = MappedFile::Open(std::string(MAOOCR_SOURCE_DIR) +
                                       "/tests/fuzz/seeds/stored_weights_fuzz/" + name);
    ASSERT_TRUE(file.ok());
    const Checkpoint::NamedBytes files[] = {{"config.json", AsBytes("{}")},
                                            {"model.safetensors", file->bytes()}};
    const auto checkpoint = Checkpoint::FromMemory(name, files);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
    const auto stored = StoredWeights::Verify(*checkpoint, model);
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    EXPECT_EQ(stored->FindPacked(model.linears[1].weights) != nullptr, name != "plain");
  }
}

}  // namespace
}  // namespace mao
