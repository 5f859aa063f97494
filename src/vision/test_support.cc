#include "vision/test_support.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <zlib.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "vision/crop.h"
#include "vision/decode.h"

namespace mao {

std::string FixturePath(std::string_view name) {
  return std::string(MAOOCR_SOURCE_DIR "/tests/fixtures/preproc/").append(name);
}

std::string ReadFixture(std::string_view name) {
  auto bytes = ReadFile(FixturePath(name), size_t{100} << 20);
  if (!bytes.ok()) {
    ADD_FAILURE() << bytes.status().ToString();
    return {};
  }
  return std::move(bytes).value();
}

Image DecodeFixture(std::string_view name) {
  const std::string bytes = ReadFixture(name);
  auto image = DecodeImage(AsBytes(bytes), name);
  if (!image.ok()) {
    ADD_FAILURE() << image.status().ToString();
    return {};
  }
  return std::move(image).value();
}

std::string Sha256Hex(std::span<const uint8_t> bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(bytes.data(), bytes.size(), digest.data());
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

uint32_t Crc32(const Image& image) {
  return static_cast<uint32_t>(crc32_z(0, image.rgb.data(), image.rgb.size()));
}

Image PatternImage(int width, int height) {
  Image image = MakeImage(width, height);
  uint8_t* out = image.rgb.data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        *out++ = static_cast<uint8_t>((7 * x + 13 * y + 29 * c) ^ (x * y / 8));
      }
    }
  }
  return image;
}

std::vector<uint8_t> FixtureCrops(const Image& image) {
  const int side = std::min({24, image.width, image.height});
  const int right = image.width - side;
  const int bottom = image.height - side;
  std::vector<uint8_t> pieces;
  for (const auto& [x, y] :
       {std::pair{0, 0}, std::pair{right / 2, bottom / 2}, std::pair{right, bottom}}) {
    const Image piece = Crop(image, x, y, side, side);
    pieces.insert(pieces.end(), piece.rgb.begin(), piece.rgb.end());
  }
  return pieces;
}

std::map<std::string, FixtureTensor> ReadTensors(std::string_view name) {
  const std::string file = ReadFixture(name);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));
  const auto header = nlohmann::json::parse(file.substr(8, header_bytes));
  std::map<std::string, FixtureTensor> tensors;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") continue;
    const size_t begin = value["data_offsets"][0];
    const size_t end = value["data_offsets"][1];
    tensors[key] = {value["dtype"], value["shape"],
                    file.substr(8 + header_bytes + begin, end - begin)};
  }
  return tensors;
}

}  // namespace mao
