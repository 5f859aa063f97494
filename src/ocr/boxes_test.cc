#include "ocr/boxes.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "ocr/grounding_cases.h"

namespace mao {

void PrintTo(const PixelBox& b, std::ostream* out) {
  *out << "[" << b.x1 << ", " << b.y1 << ", " << b.x2 << ", " << b.y2 << "]";
}

namespace {

// The fixture's pixels are those of the scripts, which neither clamp nor order.
PixelBox Tidied(const nlohmann::json& b, int width, int height) {
  const auto x = std::minmax({std::clamp<int>(b[0], 0, width), std::clamp<int>(b[2], 0, width)});
  const auto y = std::minmax({std::clamp<int>(b[1], 0, height), std::clamp<int>(b[3], 0, height)});
  return {x.first, y.first, x.second, y.second};
}

TEST(BoxesTest, MatchesThePixelsOfEveryFixtureCase) {
  int num_boxes = 0;
  for (const auto& c : GroundingCases()) {
    const int width = c["image_size_wh"][0];
    const int height = c["image_size_wh"][1];
    for (const auto& block : c["blocks"]) {
      const std::vector<RawBox> raw = RawBoxesOf(block["boxes"]);
      for (size_t i = 0; i < raw.size(); ++i, ++num_boxes) {
        EXPECT_EQ(ToPixels(raw[i], width, height, BoxSpace::kOriginal),
                  Tidied(block["boxes_pixels"][i], width, height))
            << c["name"];
      }
    }
  }
  EXPECT_EQ(num_boxes, 32);
}

TEST(BoxesTest, NormaliseClampsCutsAndOrders) {
  EXPECT_EQ(Normalise({10.9, -3, 1200, 999.0}), (NormBox{10, 0, 999, 999}));
  EXPECT_EQ(Normalise({4, 3, 2, 1}), (NormBox{2, 1, 4, 3}));
  EXPECT_EQ(Normalise({1e9, 1e9, -1e9, 5}), (NormBox{0, 5, 999, 999}));
}

TEST(BoxesTest, PaddedSquareTakesTheBordersOff) {
  // 600 x 1000 in a square of 1000: 200 columns left and right.
  EXPECT_EQ(ToPixels({0, 0, 999, 999}, 600, 1000, BoxSpace::kPaddedSquare),
            (PixelBox{0, 0, 600, 1000}));
  EXPECT_EQ(ToPixels({500, 500, 600, 600}, 600, 1000, BoxSpace::kPaddedSquare),
            (PixelBox{300, 500, 400, 600}));  // 500 * 1000 / 999 - 200 = 300.5
  EXPECT_EQ(ToPixels({199, 0, 799.2, 1}, 600, 1000, BoxSpace::kPaddedSquare),
            (PixelBox{0, 0, 600, 1}));
  EXPECT_EQ(ToPixels({500, 500, 600, 600}, 1000, 600, BoxSpace::kPaddedSquare),
            (PixelBox{500, 300, 600, 400}));
  for (const BoxSpace space : {BoxSpace::kOriginal, BoxSpace::kPaddedSquare}) {
    EXPECT_EQ(ToPixels({100, 200, 300, 400}, 512, 512, space), (PixelBox{51, 102, 153, 205}));
  }
}

TEST(BoxesTest, SpaceNamesGoBothWays) {
  for (const BoxSpace space : {BoxSpace::kOriginal, BoxSpace::kPaddedSquare}) {
    EXPECT_EQ(ParseBoxSpace(BoxSpaceName(space)), space);
  }
  EXPECT_EQ(ParseBoxSpace("page"), std::nullopt);
}

TEST(BoxesTest, UnionAndAtLeastOnePixel) {
  EXPECT_EQ(Union(std::vector<PixelBox>{{5, 6, 7, 8}, {1, 7, 6, 20}}), (PixelBox{1, 6, 7, 20}));
  EXPECT_EQ(AtLeastOnePixel({3, 4, 3, 4}, 10, 10), (PixelBox{3, 4, 4, 5}));
  EXPECT_EQ(AtLeastOnePixel({10, 0, 10, 10}, 10, 10), (PixelBox{9, 0, 10, 10}));
}

}  // namespace
}  // namespace mao
