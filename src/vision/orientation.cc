#include "vision/orientation.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace mao {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr size_t kEntryBytes = 12;

// Bounds-checked reads in the byte order that the TIFF header names.
class ExifReader {
 public:
  explicit ExifReader(std::span<const uint8_t> bytes)
      : bytes_(bytes), big_endian_(!bytes.empty() && bytes[0] == 'M') {}

  std::optional<uint32_t> Read(size_t offset, size_t num_bytes) const {
    if (offset > bytes_.size() || bytes_.size() - offset < num_bytes) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < num_bytes; ++i) {
      const size_t at = big_endian_ ? i : num_bytes - 1 - i;
      value = (value << 8) | bytes_[offset + at];
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

// Bytes of a TIFF value of an unsigned integer type: BYTE, SHORT, LONG.
size_t IntegerBytes(uint32_t type) { return type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0; }

Image Flip(Image image, bool horizontally, bool vertically) {
  const int width = image.width;
  for (int y = 0; vertically && y < image.height / 2; ++y) {
    std::swap_ranges(image.row(y), image.row(y) + image.row_bytes(),
                     image.row(image.height - 1 - y));
  }
  for (int y = 0; horizontally && y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (int left = 0, right = width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + left * 3, row + left * 3 + 3, row + right * 3);
    }
  }
  return image;
}

// Rows become columns. In blocks, so that both sides stay in the cache.
Image Transpose(const Image& image) {
  constexpr int kBlock = 32;
  Image out = MakeImage(image.height, image.width);
  for (int y0 = 0; y0 < image.height; y0 += kBlock) {
    const int y1 = std::min(y0 + kBlock, image.height);
    for (int x0 = 0; x0 < image.width; x0 += kBlock) {
      const int x1 = std::min(x0 + kBlock, image.width);
      for (int x = x0; x < x1; ++x) {
        uint8_t* to = out.row(x) + static_cast<size_t>(y0) * 3;
        for (int y = y0; y < y1; ++y, to += 3) {
          std::memcpy(to, image.row(y) + static_cast<size_t>(x) * 3, 3);
        }
      }
    }
  }
  return out;
}

}  // namespace

int ReadExifOrientation(std::span<const uint8_t> exif) {
  static constexpr uint8_t kPrefix[] = {'E', 'x', 'i', 'f', 0, 0};
  if (exif.size() >= sizeof(kPrefix) && std::equal(kPrefix, std::end(kPrefix), exif.begin())) {
    exif = exif.subspan(sizeof(kPrefix));
  }
  if (exif.size() < 8 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) return 1;
  const ExifReader reader(exif);
  if (reader.Read(2, 2) != 42u) return 1;
  const size_t directory = *reader.Read(4, 4);
  const std::optional<uint32_t> num_entries = reader.Read(directory, 2);
  if (!num_entries) return 1;
  for (size_t i = 0; i < *num_entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    const std::optional<uint32_t> tag = reader.Read(entry, 2);
    const std::optional<uint32_t> type = reader.Read(entry + 2, 2);
    if (!tag || !type) return 1;
    if (*tag != kOrientationTag) continue;
    const std::optional<uint32_t> value = reader.Read(entry + 8, IntegerBytes(*type));
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Image ApplyOrientation(Image image, int orientation) {
  switch (orientation) {
    case 2:
      return Flip(std::move(image), true, false);
    case 3:
      return Flip(std::move(image), true, true);
    case 4:
      return Flip(std::move(image), false, true);
    case 5:
      return Transpose(image);
    case 6:
      return Flip(Transpose(image), true, false);
    case 7:
      return Flip(Transpose(image), true, true);
    case 8:
      return Flip(Transpose(image), false, true);
    default:
      return image;
  }
}

}  // namespace mao
