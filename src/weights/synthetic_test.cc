#include "weights/synthetic.h"

#include <array>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;

std::vector<float> Floats(std::string_view name, const Shape& shape, size_t first, size_t count) {
  std::vector<float> values(count);
  EXPECT_TRUE(
      FillSynthetic(name, shape, DType::kF32, first, std::as_writable_bytes(std::span(values)))
          .ok());
  return values;
}

TEST(SyntheticTest, HashesAsSpecified) {
  const uint32_t seed = SyntheticSeed("image512");
  EXPECT_EQ(seed, 2291091462u);
  EXPECT_THAT((std::array{SyntheticHash(seed, 0), SyntheticHash(seed, 1), SyntheticHash(seed, 2),
                          SyntheticHash(seed, 3)}),
              ElementsAre(500157852u, 3905990236u, 4130520277u, 3780274099u));
}

// First four values and the last one, computed by a separate program from the written rule; for the
// newline, the norm and the head these are also the published check values.
struct Expected {
  const char* name;
  Shape shape;
  std::vector<float> first;
  float last;
};

TEST(SyntheticTest, ValuesFollowEveryRule) {
  const std::vector<Expected> table = {
      {"model.image_newline", {1280}, {-0.2265625, 0.796875, -0.6640625, 0.65625}, 0.515625},
      {"model.norm.weight", {1280}, {1.0078125, 1.0, 0.9921875, 0.953125}, 0.9609375},
      {"lm_head.weight",
       {129280, 1280},
       {-0.0068359375, 0.0546875, -0.02880859375, -0.02099609375},
       -0.0341796875},
      {"model.sam_model.pos_embed",
       {1, 64, 64, 768},
       {0.0859375, 0.15234375, 0.216796875, -0.224609375},
       -0.13671875},
      {"model.sam_model.blocks.0.attn.rel_pos_h",
       {27, 64},
       {-0.2109375, 0.21484375, 0.2265625, 0.103515625},
       0.123046875},
      {"model.vision_model.embeddings.class_embedding",
       {1024},
       {-0.130859375, 0.2265625, -0.06640625, 0.21484375},
       -0.23046875},
      {"model.vision_model.embeddings.position_embedding.weight",
       {257, 1024},
       {-0.091796875, -0.150390625, 0.248046875, 0.02734375},
       0.177734375},
      {"model.projector.layers.bias",
       {1280},
       {0.095703125, -0.0517578125, -0.1083984375, -0.025390625},
       0.0703125},
      {"model.embed_tokens.weight",
       {129280, 1280},
       {0.265625, 0.0234375, -0.4921875, 0.4296875},
       0.1328125},
      {"model.sam_model.net_2.weight",
       {512, 256, 3, 3},
       {-0.009033203125, -0.02001953125, -0.005859375, -0.015869140625},
       0.014404296875},
      // Exponents of exactly -0.5 and -1.5: ties go to even.
      {"tie", {2, 6}, {0.0234375, -0.6796875, -0.046875, 0.359375}, 0.875},
      {"tie2", {2, 24}, {0.02734375, -0.224609375, -0.111328125, -0.029296875}, -0.03125},
  };
  for (const Expected& row : table) {
    EXPECT_EQ(Floats(row.name, row.shape, 0, 4), row.first) << row.name;
    const auto last = static_cast<size_t>(row.shape.num_elements()) - 1;
    EXPECT_EQ(Floats(row.name, row.shape, last, 1)[0], row.last) << row.name;
  }
}

TEST(SyntheticTest, BFloat16HoldsTheSameValuesFromAnyElementOn) {
  const Shape shape = {50, 100};
  const std::vector<float> whole = Floats("x.weight", shape, 0, 5000);
  for (const size_t first : {size_t{0}, size_t{1}, size_t{1023}, size_t{2500}}) {
    const size_t count = 5000 - first;
    std::vector<std::byte> bytes(2 * count + 1);  // one byte in: unaligned
    const auto out = std::span(bytes).subspan(1);
    ASSERT_TRUE(FillSynthetic("x.weight", shape, DType::kBF16, first, out).ok());
    for (size_t i = 0; i < count; ++i) {
      const auto bits = static_cast<uint16_t>(std::to_integer<int>(out[2 * i]) |
                                              std::to_integer<int>(out[2 * i + 1]) << 8);
      ASSERT_EQ(ToFloat(BFloat16{bits}), whole[first + i]) << first << " + " << i;
    }
  }
}

TEST(SyntheticTest, RefusesOtherTypesAndHalfElements) {
  std::array<std::byte, 8> bytes = {};
  EXPECT_EQ(FillSynthetic("x", {4}, DType::kF16, 0, bytes).code(), StatusCode::kUnimplemented);
  EXPECT_EQ(FillSynthetic("x", {4}, DType::kF32, 0, std::span(bytes).first(6)).code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mao
