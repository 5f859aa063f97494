#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "vision/letterbox.h"
#include "vision/test_support.h"
#include "vision/transpose_bytes.h"

namespace mao {
namespace {

// The recipe written down plainly, one output byte after the other: the oracle for odd sizes.
std::vector<double> Weights(int in_size, int out_size, int i, int* first) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double center = (i + 0.5) * scale;
  const double support = 2.0 * filter_scale;
  // NOLINTBEGIN(bugprone-incorrect-roundings): cut, not rounded, as in Pillow
  *first = std::max(static_cast<int>(center - support + 0.5), 0);
  const int last = std::min(static_cast<int>(center + support + 0.5), in_size);
  // NOLINTEND(bugprone-incorrect-roundings)
  std::vector<double> weights;
  double sum = 0.0;
  for (int j = *first; j < last; ++j) {
    const double x = std::abs((j - center + 0.5) * (1.0 / filter_scale));
    weights.push_back(x < 1.0   ? (1.5 * x - 2.5) * x * x + 1
                      : x < 2.0 ? (((x - 5) * x + 8) * x - 4) * -0.5
                                : 0.0);
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

uint8_t Sum(const std::vector<double>& weights, const uint8_t* in, size_t stride) {
  int64_t sum = 1 << 21;
  for (size_t k = 0; k < weights.size(); ++k) {
    sum += in[k * stride] *
           static_cast<int64_t>(weights[k] * 4194304.0 + (weights[k] < 0 ? -0.5 : 0.5));
  }
  return static_cast<uint8_t>(std::clamp<int64_t>(sum >> 22, 0, 255));
}

Image PlainResize(const Image& in, int width, int height) {
  Image middle = in;
  if (width != in.width) {
    middle = MakeImage(width, in.height);
    for (int x = 0; x < width; ++x) {
      int first = 0;
      const auto weights = Weights(in.width, width, x, &first);
      for (int y = 0; y < in.height; ++y) {
        for (int c = 0; c < 3; ++c) {
          middle.row(y)[x * 3 + c] = Sum(weights, in.row(y) + first * 3 + c, 3);
        }
      }
    }
  }
  if (height == in.height) return middle;
  Image out = MakeImage(width, height);
  for (int y = 0; y < height; ++y) {
    int first = 0;
    const auto weights = Weights(in.height, height, y, &first);
    for (size_t i = 0; i < out.row_bytes(); ++i) {
      out.row(y)[i] = Sum(weights, middle.row(first) + i, middle.row_bytes());
    }
  }
  return out;
}

Image RandomImage(int width, int height) {
  Image image = MakeImage(width, height);
  std::mt19937 random(static_cast<unsigned>(width * 1000 + height));
  // Mostly black and white, so that the filter overshoots and the clamp matters.
  for (uint8_t& value : image.rgb) {
    const unsigned bits = static_cast<unsigned>(random());
    value = static_cast<uint8_t>(bits % 4 == 0 ? bits >> 8 : bits % 2 * 255);
  }
  return image;
}

TEST(ResizeTest, HandCheckedValues) {
  const Image out = ResizeBicubic(PatternImage(7, 5), 4, 3, nullptr);
  std::vector<int> red;
  for (size_t i = 0; i < out.rgb.size(); i += 3) red.push_back(out.rgb[i]);
  EXPECT_EQ(red, (std::vector<int>{8, 20, 32, 44, 29, 41, 54, 66, 50, 62, 75, 87}));
}

TEST(ResizeTest, RecordedChecksums) {
  struct Case {
    int width, height, to_width, to_height;
    uint32_t crc;
  };
  ThreadPool pool(2);
  const Case cases[] = {{1000, 700, 640, 640, 0x7738bdfe},    {1000, 700, 512, 512, 0xdff031d4},
                        {1000, 700, 1920, 1280, 0xb19f732d},  {1000, 700, 1280, 1920, 0x32470d19},
                        {1000, 700, 1280, 1280, 0x6e730db6},  {1000, 700, 2560, 1280, 0x37225d68},
                        {1240, 1754, 640, 640, 0x07e6a22b},   {1240, 1754, 512, 512, 0x7788b7c6},
                        {1240, 1754, 1280, 1920, 0xc4a7caeb}, {1240, 1754, 1280, 1280, 0x9b9195b9},
                        {641, 641, 1280, 1280, 0x18564f39},   {1920, 1080, 1280, 640, 0x62b34cc0},
                        {1920, 1080, 2560, 1280, 0x63594b67}, {1920, 1080, 1280, 1280, 0xb09a5db4}};
  for (const Case& c : cases) {
    const Image out =
        ResizeBicubic(PatternImage(c.width, c.height), c.to_width, c.to_height, &pool);
    EXPECT_EQ(Crc32(out), c.crc) << c.width << "x" << c.height << " to " << c.to_width << "x"
                                 << c.to_height;
  }
}

TEST(ResizeTest, EqualsThePlainRecipeAtEverySize) {
  ThreadPool pool(2);
  const int sides[] = {1, 2, 3, 10, 11, 31, 33, 64, 65, 97, 130};
  for (const int width : {1, 2, 7, 32, 43, 130}) {
    for (const int height : {1, 5, 33, 65, 129}) {
      const Image image = RandomImage(width, height);
      for (const int to_width : sides) {
        const int to_height = sides[(to_width * 7 + width + height) % std::size(sides)];
        const Image expected = PlainResize(image, to_width, to_height);
        const Image out = ResizeBicubic(image, to_width, to_height, &pool);
        ASSERT_EQ(out.rgb, expected.rgb)
            << width << "x" << height << " to " << to_width << "x" << to_height;
      }
    }
  }
}

TEST(ResizeTest, ExtremeShrinkingDoesNotOverflow) {
  Image stripes = MakeImage(5000, 3);
  for (size_t i = 0; i < stripes.rgb.size(); i += 2) stripes.rgb[i] = 255;
  for (const int width : {1, 2, 3, 17}) {
    EXPECT_EQ(ResizeBicubic(stripes, width, 3, nullptr).rgb, PlainResize(stripes, width, 3).rgb)
        << width;
  }
  const Image white = MakeImage(3, 4000, 255);
  EXPECT_EQ(ResizeBicubic(white, 3, 2, nullptr).rgb, MakeImage(3, 2, 255).rgb);
}

TEST(ResizeTest, EveryInstructionSetGivesTheSameBytes) {
  const Image image = RandomImage(301, 203);
  const CpuIsa before = CurrentCpuIsa();
  ASSERT_TRUE(SetCpuIsa(CpuIsa::kGeneric).ok());
  const Image generic = ResizeBicubic(image, 160, 149, nullptr);
  ASSERT_TRUE(SetCpuIsa(DetectedCpuIsa()).ok());
  const Image best = ResizeBicubic(image, 160, 149, nullptr);
  ASSERT_TRUE(SetCpuIsa(before).ok());
  EXPECT_EQ(generic.rgb, best.rgb);
  EXPECT_EQ(generic.rgb, PlainResize(image, 160, 149).rgb);
}

TEST(ResizeTest, TheNumberOfThreadsDoesNotMatter) {
  const Image image = RandomImage(200, 777);
  const Image alone = ResizeBicubic(image, 150, 500, nullptr);
  for (const size_t num_threads : {1, 2, 5}) {
    ThreadPool pool(num_threads);
    EXPECT_EQ(ResizeBicubic(image, 150, 500, &pool).rgb, alone.rgb) << num_threads;
  }
}

TEST(ResizeTest, SameSizeIsUntouchedAndNoPixelsStayNone) {
  const Image image = RandomImage(20, 10);
  EXPECT_EQ(ResizeBicubic(image, 20, 10, nullptr).rgb, image.rgb);
  EXPECT_TRUE(ResizeBicubic(Image{}, 20, 10, nullptr).rgb.empty());
  EXPECT_TRUE(ResizeBicubic(image, 0, 10, nullptr).rgb.empty());
  EXPECT_TRUE(ResizeBicubic(image, 20, -1, nullptr).rgb.empty());
}

TEST(LetterboxTest, RecordedChecksums) {
  struct Case {
    int width, height, side;
    uint32_t source_crc, crc;
  };
  ThreadPool pool(2);
  const Case cases[] = {
      {1000, 700, 1024, 0xc381717c, 0xcd6ff019},  {1000, 700, 1280, 0xc381717c, 0x69debe16},
      {1240, 1754, 1024, 0x98721911, 0x5714f06a}, {1240, 1754, 1280, 0x98721911, 0x7cb7ad3c},
      {333, 444, 1024, 0x5d5e7e95, 0x1b1fc18f},   {641, 641, 1024, 0x8bedbdc8, 0xf32ef6d9},
      {1920, 1080, 1024, 0xd3785ac0, 0xf729c090}};
  for (const Case& c : cases) {
    const Image source = PatternImage(c.width, c.height);
    EXPECT_EQ(Crc32(source), c.source_crc) << c.width;
    const auto padded = PadToSquare(source, c.side, &pool);
    ASSERT_TRUE(padded.ok());
    EXPECT_EQ(Crc32(*padded), c.crc) << c.width << "x" << c.height << " in " << c.side;
  }
}

TEST(LetterboxTest, PlacementsRoundHalvesToEven) {
  const auto place = [](int width, int height, int side) {
    return *PlaceInSquare(width, height, side);
  };
  EXPECT_EQ(place(1240, 1754, 1024), (LetterboxPlacement{150, 0, 724, 1024}));
  EXPECT_EQ(place(1224, 1584, 1024), (LetterboxPlacement{116, 0, 791, 1024}));
  EXPECT_EQ(place(1920, 1080, 1024), (LetterboxPlacement{0, 224, 1024, 576}));
  EXPECT_EQ(place(100, 37, 1024), (LetterboxPlacement{0, 322, 1024, 379}));
  EXPECT_EQ(place(1225, 405, 1024), (LetterboxPlacement{0, 342, 1024, 339}));
  EXPECT_EQ(place(500, 500, 1024), (LetterboxPlacement{0, 0, 1024, 1024}));
}

TEST(LetterboxTest, TooThinPicturesAreErrorsThatNameTheShape) {
  for (const auto& [width, height] : {std::pair{3000, 1}, std::pair{1, 3000}}) {
    const auto padded = PadToSquare(MakeImage(width, height), 1024, nullptr);
    ASSERT_FALSE(padded.ok());
    EXPECT_EQ(padded.status().code(), StatusCode::kInvalidArgument);
    const std::string shape = std::to_string(width) + " x " + std::to_string(height);
    EXPECT_NE(padded.status().message().find(shape), std::string::npos)
        << padded.status().message();
  }
  EXPECT_FALSE(PadToSquare(Image{}, 1024, nullptr).ok());
  EXPECT_FALSE(PadToSquare(MakeImage(2, 2), 0, nullptr).ok());
}

TEST(LetterboxTest, BarsAreGrey127) {
  const auto padded = PadToSquare(MakeImage(40, 10, 255), 40, nullptr);
  ASSERT_TRUE(padded.ok());
  for (int y = 0; y < 40; ++y) {
    EXPECT_EQ(padded->row(y)[60], y >= 15 && y < 25 ? 255 : 127) << y;
  }
}

TEST(TransposeBytesTest, EverySizeAroundTheBlock) {
  for (const size_t rows : {1, 7, 16, 17, 32, 33}) {
    for (const size_t columns : {1, 15, 16, 31, 48, 50}) {
      std::vector<uint8_t> in(rows * (columns + 3));
      for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i * 31 + i / 200);
      std::vector<uint8_t> out(columns * (rows + 2), 0xEE);
      TransposeBytes(in.data(), columns + 3, rows, columns, out.data(), rows + 2);
      for (size_t c = 0; c < columns; ++c) {
        for (size_t r = 0; r < rows + 2; ++r) {
          const int expected = r < rows ? in[r * (columns + 3) + c] : 0xEE;
          ASSERT_EQ(out[c * (rows + 2) + r], expected) << rows << "x" << columns;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mao
