// Tile grids, crops, orientations and normalisation.
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vision/crop.h"
#include "vision/normalize.h"
#include "vision/orientation.h"
#include "vision/tile_grid.h"

namespace mao {
namespace {

TEST(TileGridTest, TableOfTheSpecification) {
  struct Case {
    int width, height;
    TileGrid max6, max9;
  };
  const Case cases[] = {
      {1240, 1754, {2, 3}, {2, 3}}, {2480, 3508, {2, 3}, {2, 3}}, {1700, 2200, {2, 3}, {2, 3}},
      {1920, 1080, {2, 1}, {4, 2}}, {1080, 1920, {1, 2}, {2, 4}}, {641, 641, {2, 2}, {2, 2}},
      {2000, 2000, {2, 2}, {3, 3}}, {2500, 2000, {3, 2}, {3, 3}}, {1250, 1000, {3, 2}, {3, 2}},
      {3000, 500, {6, 1}, {6, 1}},  {1225, 405, {3, 1}, {3, 1}},  {800, 600, {3, 2}, {3, 2}}};
  for (const Case& c : cases) {
    EXPECT_EQ(ChooseTileGrid(c.width, c.height, 640, 2, 6), c.max6) << c.width << "x" << c.height;
    EXPECT_EQ(ChooseTileGrid(c.width, c.height, 640, 2, 9), c.max9) << c.width << "x" << c.height;
  }
}

TEST(TileGridTest, NoCandidateGivesOneTile) {
  EXPECT_EQ(ChooseTileGrid(0, 100, 640, 2, 6), TileGrid{});
  EXPECT_EQ(ChooseTileGrid(100, -1, 640, 2, 6), TileGrid{});
  EXPECT_EQ(ChooseTileGrid(100, 100, 640, 7, 6), TileGrid{});
  EXPECT_EQ(ChooseTileGrid(65535, 1, 640, 2, 6), (TileGrid{6, 1}));
  EXPECT_EQ(ChooseTileGrid(100, 100, 640, -5, 1), TileGrid{});
}

// Each pixel holds its place.
Image Numbered(int width, int height) {
  Image image = MakeImage(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + x * 3;
      pixel[0] = static_cast<uint8_t>(x);
      pixel[1] = static_cast<uint8_t>(y);
    }
  }
  return image;
}

TEST(CropTest, InsideBeyondAndOutside) {
  const Image image = Numbered(10, 8);
  const Image inside = Crop(image, 2, 3, 4, 5);
  ASSERT_EQ(inside.width, 4);
  ASSERT_EQ(inside.height, 5);
  EXPECT_EQ(inside.row(0)[0], 2);
  EXPECT_EQ(inside.row(4)[3 * 3 + 1], 7);
  const Image beyond = Crop(image, -3, 6, 5, 9);
  EXPECT_EQ(beyond.width, 2);
  EXPECT_EQ(beyond.height, 2);
  EXPECT_EQ(beyond.row(0)[0], 0);
  EXPECT_EQ(beyond.row(0)[1], 6);
  constexpr int kMax = std::numeric_limits<int>::max();
  EXPECT_EQ(Crop(image, 9, 7, kMax, kMax).rgb.size(), 3u);
  EXPECT_TRUE(Crop(image, 10, 0, 1, 1).rgb.empty());
  EXPECT_TRUE(Crop(image, 0, 0, -1, 4).rgb.empty());
  EXPECT_TRUE(Crop(Image{}, 0, 0, 1, 1).rgb.empty());
}

// Where the upright picture's pixel (x, y) comes from in a stored picture of w x h, by the meaning
// of the tag: what its row 0 and column 0 are (top, bottom, left, right).
TEST(OrientationTest, AllEight) {
  const int w = 45;
  const int h = 70;
  const Image stored = Numbered(w, h);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image upright = ApplyOrientation(stored, orientation);
    const bool swapped = orientation >= 5;
    ASSERT_EQ(upright.width, swapped ? h : w);
    ASSERT_EQ(upright.height, swapped ? w : h);
    for (int y = 0; y < upright.height; ++y) {
      for (int x = 0; x < upright.width; ++x) {
        const int from[8][2] = {{x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y}, {x, h - 1 - y},
                                {y, x}, {y, h - 1 - x}, {w - 1 - y, h - 1 - x}, {w - 1 - y, x}};
        const uint8_t* pixel = upright.row(y) + x * 3;
        ASSERT_EQ(pixel[0], from[orientation - 1][0]) << orientation << ": " << x << "," << y;
        ASSERT_EQ(pixel[1], from[orientation - 1][1]) << orientation << ": " << x << "," << y;
      }
    }
  }
  EXPECT_EQ(ApplyOrientation(stored, 0).rgb, stored.rgb);
  EXPECT_EQ(ApplyOrientation(stored, 9).rgb, stored.rgb);
}

int ReadOrientation(const std::string& exif) {
  return ReadExifOrientation({reinterpret_cast<const uint8_t*>(exif.data()), exif.size()});
}

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

TEST(OrientationTest, ReadsBothByteOrdersAndIntegerTypes) {
  const std::string big = Bytes({'M', 'M',  0, 42, 0, 0, 0, 8, 0,   2,        //
                                 1,   0x0F, 0, 2,  0, 0, 0, 1, 'x', 0, 0, 0,  //
                                 1,   0x12, 0, 3,  0, 0, 0, 1, 0,   6, 0, 0});
  EXPECT_EQ(ReadOrientation(big), 6);
  EXPECT_EQ(ReadOrientation(std::string("Exif\0\0", 6) + big), 6);
  EXPECT_EQ(ReadOrientation(
                Bytes({'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0})),
            8);
  EXPECT_EQ(ReadOrientation(
                Bytes({'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 4, 0, 1, 0, 0, 0, 5, 0, 0, 0})),
            5);
}

TEST(OrientationTest, DamagedBlocksMeanUpright) {
  const std::string good =
      Bytes({'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0});
  for (size_t size = 0; size < 20; ++size)
    EXPECT_EQ(ReadOrientation(good.substr(0, size)), 1) << size;
  const auto with = [&](size_t at, int value) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(value);
    return ReadOrientation(bytes);
  };
  EXPECT_EQ(with(0, 'X'), 1);
  EXPECT_EQ(with(2, 43), 1);
  EXPECT_EQ(with(7, 0xFF), 1);  // a directory outside
  EXPECT_EQ(with(8, 0), 1);     // no entries
  EXPECT_EQ(with(12, 2), 1);    // text
  EXPECT_EQ(with(18, 0), 1);    // values outside 1 to 8
  EXPECT_EQ(with(18, 9), 1);
  EXPECT_EQ(with(9, 0xFF), 8);  // more entries than there are, but ours comes first
}

TEST(NormalizeTest, HalfRangeIsRoundedStepByStep) {
  const auto& table = HalfRangeTable();
  EXPECT_EQ(table[0], -1.0f);
  EXPECT_EQ(table[255], 1.0f);
  for (int v = 0; v < 256; ++v) {
    const volatile float unit = static_cast<float>(v) / 255.0f;
    const volatile float centered = unit - 0.5f;
    EXPECT_EQ(table[static_cast<size_t>(v)], centered / 0.5f) << v;
  }
}

}  // namespace
}  // namespace mao
