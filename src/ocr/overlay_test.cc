#include "ocr/overlay.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// Fontconfig reads its configuration once per process and never frees it.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is LeakSanitizer's
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

namespace mao {
namespace {

using Rgb = std::vector<int>;

PageBlock Block(const std::string& label, const PixelBox& box) {
  PageBlock block;
  block.label = label;
  block.pixel_boxes = {box};
  return block;
}

Rgb PixelAt(const Image& image, int x, int y) {
  const uint8_t* p = image.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}

Rgb Opaque(size_t block) {
  const OverlayColor c = BlockColor(block);
  return {c.red, c.green, c.blue};
}

Image Draw(const Image& page, const std::vector<PageBlock>& blocks) {
  auto drawn = DrawOverlay(page, blocks);
  EXPECT_TRUE(drawn.ok()) << drawn.status().message();
  return std::move(drawn).value();
}

// How many pixels from the left edge of the box hold the outline's colour at this height.
int OutlineWidth(const Image& image, const PixelBox& box, int y, size_t block) {
  int width = 0;
  while (PixelAt(image, box.x1 + width, y) == Opaque(block)) ++width;
  return width;
}

TEST(OverlayTest, WithoutLabelledBlocksThePageStaysAsItIs) {
  Image page = MakeImage(33, 21);
  for (size_t i = 0; i < page.rgb.size(); ++i) page.rgb[i] = static_cast<uint8_t>(i * 7);
  EXPECT_EQ(Draw(page, {}).rgb, page.rgb);
  PageBlock lead = Block("", {1, 1, 20, 20});
  lead.label.reset();
  EXPECT_EQ(Draw(page, {lead}).rgb, page.rgb);
}

TEST(OverlayTest, OutlineFillAndOutside) {
  const Image page = MakeImage(400, 300, 255);
  const PixelBox box = {50, 100, 250, 200};
  const Image drawn = Draw(page, {Block("text", box)});
  EXPECT_EQ(OutlineWidth(drawn, box, 150, 0), 2);
  EXPECT_EQ(PixelAt(drawn, 49, 150), (Rgb{255, 255, 255}));
  EXPECT_EQ(PixelAt(drawn, 249, 150), Opaque(0));
  EXPECT_EQ(PixelAt(drawn, 250, 150), (Rgb{255, 255, 255}));
  const Rgb inside = PixelAt(drawn, 150, 150);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(inside[c], 255 + (Opaque(0)[c] - 255) * 20.0 / 255, 1.5) << c;
  }
}

TEST(OverlayTest, TitlesAreTwiceAsWideAndLinesGrowWithThePage) {
  const PixelBox box = {100, 100, 900, 600};
  for (const auto& [side, scale] : std::vector<std::pair<int, int>>{{1024, 1}, {3072, 3}}) {
    const Image drawn = Draw(MakeImage(1000, side, 255), {Block("title", box)});
    EXPECT_EQ(OutlineWidth(drawn, box, 300, 0), 4 * scale);
    const Image text = Draw(MakeImage(1000, side, 255), {Block("text", box)});
    EXPECT_EQ(OutlineWidth(text, box, 300, 0), 2 * scale);
  }
}

TEST(OverlayTest, ColoursFollowTheBlockNotTheBox) {
  PageBlock two_boxes = Block("a", {10, 100, 60, 140});
  two_boxes.pixel_boxes.push_back({110, 100, 160, 140});
  const Image drawn = Draw(MakeImage(300, 200, 255), {two_boxes, Block("b", {210, 100, 260, 140})});
  EXPECT_EQ(PixelAt(drawn, 10, 120), Opaque(0));
  EXPECT_EQ(PixelAt(drawn, 110, 120), Opaque(0));
  EXPECT_EQ(PixelAt(drawn, 210, 120), Opaque(1));
  EXPECT_NE(Opaque(0), Opaque(1));
}

// Needs any installed font. The label stands on white above the box, whatever the page looks like
// there.
TEST(OverlayTest, LabelOnAWhitePatch) {
  const Image drawn = Draw(MakeImage(400, 300, 0), {Block("title", {50, 100, 250, 200})});
  int num_white = 0;
  int num_colored = 0;
  for (int y = 80; y < 100; ++y) {
    for (int x = 50; x < 120; ++x) {
      num_white += PixelAt(drawn, x, y) == Rgb{255, 255, 255};
      num_colored += PixelAt(drawn, x, y) == Opaque(0);
    }
  }
  EXPECT_GT(num_white, 150);
  EXPECT_GT(num_colored, 10);
  EXPECT_EQ(PixelAt(drawn, 300, 90), (Rgb{0, 0, 0}));
}

TEST(OverlayTest, StrangeLabelsAndBoxesAreDrawnOrCutButNeverFail) {
  const std::string long_label(100000, 'w');
  const std::vector<PageBlock> blocks = {
      Block(long_label, {0, 0, 50, 50}), Block("\xFF\xE4\xBA", {0, 0, 0, 0}),
      Block("two\nlines", {49, 39, 50, 40}), Block("", {0, 0, 50, 40}),
      Block("先天下之忧而忧", {10, 10, 11, 11})};
  const Image drawn = Draw(MakeImage(50, 40, 255), blocks);
  EXPECT_EQ(drawn.width, 50);
  EXPECT_EQ(drawn.height, 40);
  Draw(MakeImage(1, 1), blocks);
  EXPECT_EQ(Draw(MakeImage(50, 40, 255), std::vector<PageBlock>(9000, blocks[3])).rgb.size(),
            6000U);
}

TEST(OverlayTest, ErrorsNameTheLimit) {
  EXPECT_EQ(DrawOverlay(Image{}, {}).status().code(), StatusCode::kInvalidArgument);
  const auto wide = DrawOverlay(MakeImage(32768, 1), {});
  EXPECT_EQ(wide.status().code(), StatusCode::kOutOfRange);
  EXPECT_NE(wide.status().message().find("32767"), std::string::npos);
}

}  // namespace
}  // namespace mao
