// The recorded pictures through the whole of vision: what Pillow, and the released preprocessing
// code on top of it, made of them.
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/thread_pool.h"
#include "vision/crop.h"
#include "vision/letterbox.h"
#include "vision/normalize.h"
#include "vision/resize.h"
#include "vision/test_support.h"
#include "vision/tile_grid.h"

namespace mao {
namespace {

using Json = nlohmann::json;

constexpr float kClipMean[] = {0.48145466f, 0.4578275f, 0.40821073f};
constexpr float kClipStddev[] = {0.26862954f, 0.26130258f, 0.27577711f};

// The one recorded 16-bit grey picture was clipped at 255 before it was resized, which we do not do
// (see decode.h): resized results are recorded for that reading only. Its first 8 x 8 samples are
// 9 times their index, all others are far above 255, so that the clipped picture can be made here.
Image ClippedGrey16() {
  Image image = DecodeFixture("images/grey-16bit.png");
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{255});
  for (int i = 0; i < 64; ++i) {
    std::memset(image.row(i / 8) + size_t{3} * (i % 8), std::min(i * 9, 255), 3);
  }
  return image;
}

Image Source(const std::string& name) {
  return name == "grey-16bit.png" ? ClippedGrey16() : DecodeFixture("images/" + name);
}

struct Recorded {
  Json decode = Json::parse(ReadFixture("decode.json"));
  Json outputs = Json::parse(ReadFixture("outputs.json"));
  std::map<std::string, FixtureTensor> decoded = ReadTensors("decoded_small.safetensors");
  std::map<std::string, FixtureTensor> crops = ReadTensors("output_crops.safetensors");
  std::map<std::string, FixtureTensor> floats = ReadTensors("float_pieces.safetensors");
};

const Recorded& Record() {
  static const Recorded recorded;
  return recorded;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : Record().decode.items()) names.push_back(name);
  return names;
}

bool SameBytes(const FixtureTensor& tensor, const std::vector<uint8_t>& bytes) {
  return tensor.bytes.size() == bytes.size() &&
         std::memcmp(tensor.bytes.data(), bytes.data(), bytes.size()) == 0;
}

class FixturesTest : public testing::TestWithParam<std::string> {
 protected:
  // Compares with the recorded digest and, so that a difference can be looked at, the recorded
  // pieces.
  void Expect(const Image& image, const std::string& mode, const Json& digest) {
    EXPECT_EQ(Sha256Hex(image), digest.get<std::string>()) << mode;
    const auto piece = Record().crops.find(GetParam() + "." + mode);
    ASSERT_NE(piece, Record().crops.end()) << mode;
    EXPECT_TRUE(SameBytes(piece->second, FixtureCrops(image))) << mode;
  }

  ThreadPool pool_{2};
};

TEST_P(FixturesTest, Decodes) {
  const std::string& name = GetParam();
  const Json& expected = Record().decode[name];
  const Image image = DecodeFixture("images/" + name);
  EXPECT_EQ(image.width, expected["size_wh"][0].get<int>());
  EXPECT_EQ(image.height, expected["size_wh"][1].get<int>());
  const bool high_byte = expected.contains("rgb_high_byte_sha256");
  EXPECT_EQ(Sha256Hex(image),
            expected[high_byte ? "rgb_high_byte_sha256" : "rgb_sha256"].get<std::string>());
  const auto& tensors = Record().decoded;
  if (const auto whole = tensors.find(name); whole != tensors.end()) {
    EXPECT_TRUE(SameBytes(whole->second, image.rgb));
  } else {
    const auto piece = tensors.find(name + (high_byte ? ".high_byte" : ".crops"));
    ASSERT_NE(piece, tensors.end());
    EXPECT_TRUE(SameBytes(piece->second, FixtureCrops(image)));
  }
}

TEST_P(FixturesTest, Letterboxes) {
  const Image image = Source(GetParam());
  for (const int side : {512, 640, 1024, 1280}) {
    const std::string mode = "pad" + std::to_string(side);
    const Json& expected = Record().outputs[GetParam()][mode];
    const auto place = PlaceInSquare(image.width, image.height, side);
    ASSERT_TRUE(place.ok());
    const std::vector<int> xywh = {place->x, place->y, place->width, place->height};
    EXPECT_EQ(xywh, expected["content_xywh"].get<std::vector<int>>()) << mode;
    const auto padded = PadToSquare(image, side, &pool_);
    ASSERT_TRUE(padded.ok());
    Expect(*padded, mode, expected["sha256"]);
  }
}

TEST_P(FixturesTest, Resizes) {
  const Image image = Source(GetParam());
  const Json& outputs = Record().outputs[GetParam()];
  for (const int side : {512, 640}) {
    const std::string mode = "resize" + std::to_string(side);
    Expect(ResizeBicubic(image, side, side, nullptr), mode, outputs[mode]["sha256"]);
  }
  const auto padded = PadToSquare(ResizeBicubic(image, 768, 768, &pool_), 1024, &pool_);
  ASSERT_TRUE(padded.ok());
  Expect(*padded, "ocr2_no_crop", outputs["ocr2_no_crop_768_then_pad1024"]["sha256"]);
}

TEST_P(FixturesTest, Tiles) {
  struct Mode {
    const char* name;
    int max_tiles;
  };
  const Image image = Source(GetParam());
  for (const Mode& mode : {Mode{"ocr1_max6", 6}, Mode{"ocr1_max9", 9}, Mode{"ocr2_max6", 6}}) {
    const Json& expected = Record().outputs[GetParam()][mode.name];
    const int side = expected["tile"];
    const TileGrid grid = ChooseTileGrid(image.width, image.height, side, 2, mode.max_tiles);
    const std::vector<int> columns_rows = {grid.columns, grid.rows};
    EXPECT_EQ(columns_rows, expected["grid_cols_rows_if_tiled"].get<std::vector<int>>())
        << mode.name;
    if (!expected["needs_tiles"].get<bool>()) continue;
    const Image whole = ResizeBicubic(image, grid.columns * side, grid.rows * side, &pool_);
    const int num_tiles = grid.columns * grid.rows;
    ASSERT_EQ(expected["tiles_sha256"].size(), static_cast<size_t>(num_tiles));
    for (int k = 0; k < num_tiles; ++k) {
      const Image tile = Crop(whole, k % grid.columns * side, k / grid.columns * side, side, side);
      const Json& digest = expected["tiles_sha256"][static_cast<size_t>(k)];
      EXPECT_EQ(Sha256Hex(tile), digest.get<std::string>()) << mode.name << " tile " << k;
      if (k != 0 && k != num_tiles - 1) continue;
      Expect(tile, std::string(mode.name) + ".tile" + std::to_string(k), digest);
    }
  }
}

// Rows of Qwen2.5-VL patches: 2 equal frames of 14 x 14 pixels for each channel, patches ordered by
// groups of 2 x 2.
TEST_P(FixturesTest, ResizesAndNormalizesForQwen) {
  constexpr int kPatch = 14;
  const Image image = Source(GetParam());
  Image resized;
  for (const char* mode : {"qwen_max_50176", "qwen"}) {
    const Json& expected = Record().outputs[GetParam()][mode];
    resized = ResizeBicubic(image, expected["resized_wh"][0], expected["resized_wh"][1], &pool_);
    Expect(resized, mode, expected["resized_sha256"]);
  }
  const FixtureTensor& rows = Record().floats.at(GetParam() + ".qwen.rows");
  const FixtureTensor& patches = Record().floats.at(GetParam() + ".qwen.patches");
  const auto* index = reinterpret_cast<const int32_t*>(rows.bytes.data());
  const auto* values = reinterpret_cast<const float*>(patches.bytes.data());
  const int groups_wide = resized.width / kPatch / 2;
  for (int64_t i = 0; i < rows.shape[0]; ++i) {
    const int group = index[i] / 4;
    const int x = (group % groups_wide * 2 + index[i] % 2) * kPatch;
    const int y = (group / groups_wide * 2 + index[i] % 4 / 2) * kPatch;
    for (int c = 0; c < 3; ++c) {
      const auto table = MakeNormalizationTable(kClipMean[c], kClipStddev[c]);
      for (int p = 0; p < 2 * kPatch * kPatch; ++p) {
        const int row = y + p / kPatch % kPatch;
        const float value = table[resized.row(row)[(x + p % kPatch) * 3 + c]];
        ASSERT_NEAR(value, *values++, 2e-6) << "patch " << index[i] << " channel " << c;
      }
    }
  }
}

TEST_P(FixturesTest, ResizesCropsAndNormalizesForClip) {
  constexpr int kSide = 336;
  constexpr int kPiece = 8;
  const Json& expected = Record().outputs[GetParam()]["clip336"];
  const int width = expected["resized_wh"][0];
  const int height = expected["resized_wh"][1];
  const Image resized = ResizeBicubic(Source(GetParam()), width, height, &pool_);
  const Image cropped = Crop(resized, (width - kSide) / 2, (height - kSide) / 2, kSide, kSide);
  Expect(cropped, "clip336", expected["sha256"]);
  const FixtureTensor& centre = Record().floats.at(GetParam() + ".clip336.centre");
  const auto* values = reinterpret_cast<const float*>(centre.bytes.data());
  for (int c = 0; c < 3; ++c) {
    const auto table = MakeNormalizationTable(kClipMean[c], kClipStddev[c]);
    for (int p = 0; p < kPiece * kPiece; ++p) {
      const int x = (kSide - kPiece) / 2 + p % kPiece;
      const int y = (kSide - kPiece) / 2 + p / kPiece;
      ASSERT_NEAR(table[cropped.row(y)[x * 3 + c]], *values++, 2e-6) << x << " " << y << " " << c;
    }
  }
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pictures, FixturesTest, testing::ValuesIn(Names()), TestName);

TEST(FixturesTableTest, AllPicturesAreThere) { EXPECT_EQ(Names().size(), 28u); }

// tile_ratios.csv: random sizes, exact ties between two grids, and sizes around the tile's side.
TEST(FixturesTableTest, TileGridsAndPlacements) {
  std::ifstream file(FixturePath("tile_ratios.csv"));
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  std::map<std::string, size_t> column;
  std::istringstream header(line);
  for (std::string name; std::getline(header, name, ',');) column.emplace(name, column.size());
  int num_rows = 0;
  while (std::getline(file, line)) {
    std::vector<std::string> fields;
    std::istringstream row(line);
    for (std::string field; std::getline(row, field, ',');) fields.push_back(field);
    const auto value = [&](const char* name) { return std::stoi(fields.at(column.at(name))); };
    const int width = value("width");
    const int height = value("height");
    EXPECT_EQ(ChooseTileGrid(width, height, 640, 2, 6),
              (TileGrid{value("ocr1_max6_cols"), value("ocr1_max6_rows")}))
        << line;
    EXPECT_EQ(ChooseTileGrid(width, height, 640, 2, 9),
              (TileGrid{value("ocr1_max9_cols"), value("ocr1_max9_rows")}))
        << line;
    EXPECT_EQ(ChooseTileGrid(width, height, 768, 2, 6),
              (TileGrid{value("ocr2_cols"), value("ocr2_rows")}))
        << line;
    const auto place = PlaceInSquare(width, height, 1024);
    ASSERT_TRUE(place.ok()) << line;
    EXPECT_EQ(*place, (LetterboxPlacement{value("pad1024_x"), value("pad1024_y"),
                                          value("pad1024_content_w"), value("pad1024_content_h")}))
        << line;
    ++num_rows;
  }
  EXPECT_GE(num_rows, 500);
}

}  // namespace
}  // namespace mao
