// What the tests of vision share: fixtures, digests and a reader of small safetensors files.
#ifndef MAOOCR_VISION_TEST_SUPPORT_H_
#define MAOOCR_VISION_TEST_SUPPORT_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vision/image.h"

namespace mao {

// Path of a file below tests/fixtures/preproc.
std::string FixturePath(std::string_view name);
// Its bytes; the test fails and the result is empty if it cannot be read.
std::string ReadFixture(std::string_view name);

// Decodes a fixture; the test fails and the image is empty on an error.
Image DecodeFixture(std::string_view name);

std::string Sha256Hex(std::span<const uint8_t> bytes);
inline std::string Sha256Hex(const Image& image) { return Sha256Hex(image.rgb); }

// CRC-32 as in zlib.
uint32_t Crc32(const Image& image);

// The synthetic source of the preprocessing vectors: channel c of pixel (x, y) is
// ((7x + 13y + 29c) xor floor(xy / 8)) and 255.
Image PatternImage(int width, int height);

// Three n x n pieces one after the other, as in the fixtures: top-left, centre, bottom-right, n
// being at most 24 and at most a side.
std::vector<uint8_t> FixtureCrops(const Image& image);

struct FixtureTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};
// All tensors of a safetensors fixture.
std::map<std::string, FixtureTensor> ReadTensors(std::string_view name);

}  // namespace mao

#endif  // MAOOCR_VISION_TEST_SUPPORT_H_
