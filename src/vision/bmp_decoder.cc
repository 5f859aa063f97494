// An own decoder, because no small codec for BMP is packaged: what reads BMP there is a toolkit.
#include <array>
#include <bit>
#include <cstring>

#include <fmt/core.h>

#include "vision/codec.h"

namespace mao {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kCoreHeaderBytes = 12;  // OS/2 1.x: 16-bit sides, palette entries of three bytes
constexpr uint32_t kInfoHeaderBytes = 40;
constexpr uint32_t kRaw = 0;
constexpr uint32_t kBitFields = 3;

// One colour of a 16- or 32-bit pixel.
struct Channel {
  uint32_t mask = 0;
  int shift = 0;
  uint32_t max = 0;

  static Channel FromMask(uint32_t mask) {
    if (mask == 0) return {};
    const int shift = std::countr_zero(mask);
    return {mask, shift, mask >> shift};
  }
  uint8_t Value(uint32_t pixel) const {
    if (max == 0) return 0;
    return static_cast<uint8_t>(uint64_t{(pixel & mask) >> shift} * 255 / max);
  }
};

struct Header {
  uint32_t header_bytes = 0;
  uint64_t pixel_offset = 0;
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = kRaw;
  uint32_t num_colors = 0;
  std::array<Channel, 3> channels = {};  // red, green, blue
};

class BmpReader {
 public:
  explicit BmpReader(const DecodeJob& job) : job_(job) {}
  Result<Image> Read();

 private:
  bool Has(uint64_t offset, uint64_t num_bytes) const {
    return offset <= job_.size_bytes && num_bytes <= job_.size_bytes - offset;
  }
  // Little-endian; the caller has checked that the bytes are there.
  uint32_t U16(size_t offset) const { return job_.data[offset] | (job_.data[offset + 1] << 8); }
  uint32_t U32(size_t offset) const { return U16(offset) | (U16(offset + 2) << 16); }

  Status ReadHeader();
  Status ReadChannels();
  Status ReadPalette();
  void ConvertRow(const uint8_t* in, uint8_t* rgb) const;

  const DecodeJob& job_;
  Header header_;
  std::array<std::array<uint8_t, 3>, 256> palette_ = {};  // colours that are not there are black
};

Status BmpReader::ReadHeader() {
  if (!Has(0, kFileHeaderBytes + 4)) return job_.DataLoss("the file is truncated");
  header_.pixel_offset = U32(10);
  header_.header_bytes = U32(kFileHeaderBytes);
  const uint32_t size_bytes = header_.header_bytes;
  if (size_bytes != kCoreHeaderBytes && (size_bytes < kInfoHeaderBytes || size_bytes > 124)) {
    return job_.DataLoss(fmt::format("a header of {} bytes", size_bytes));
  }
  if (!Has(kFileHeaderBytes, size_bytes)) return job_.DataLoss("the file is truncated");
  const size_t at = kFileHeaderBytes;
  if (size_bytes == kCoreHeaderBytes) {
    header_.width = U16(at + 4);
    header_.height = U16(at + 6);
    header_.bits = static_cast<int>(U16(at + 10));
    return OkStatus();
  }
  header_.width = std::bit_cast<int32_t>(U32(at + 4));
  const int64_t height = std::bit_cast<int32_t>(U32(at + 8));
  header_.top_down = height < 0;
  header_.height = header_.top_down ? -height : height;
  header_.bits = static_cast<int>(U16(at + 14));
  header_.compression = U32(at + 16);
  header_.num_colors = U32(at + 32);
  return OkStatus();
}

Status BmpReader::ReadChannels() {
  std::array<uint32_t, 3> masks = {0xFF0000, 0xFF00, 0xFF};
  if (header_.bits == 16) masks = {0x7C00, 0x3E0, 0x1F};
  if (header_.compression == kBitFields) {
    // Inside the longer headers, or between the short one and the pixels: the same place.
    const size_t at = kFileHeaderBytes + kInfoHeaderBytes;
    if (!Has(at, 12)) return job_.DataLoss("the file is truncated");
    masks = {U32(at), U32(at + 4), U32(at + 8)};
  }
  for (size_t c = 0; c < 3; ++c) header_.channels[c] = Channel::FromMask(masks[c]);
  return OkStatus();
}

Status BmpReader::ReadPalette() {
  const size_t entry_bytes = header_.header_bytes == kCoreHeaderBytes ? 3 : 4;
  const uint32_t max_colors = 1u << header_.bits;
  uint32_t num_colors = header_.num_colors == 0 ? max_colors : header_.num_colors;
  num_colors = std::min(num_colors, max_colors);
  const size_t at = kFileHeaderBytes + header_.header_bytes;
  if (!Has(at, num_colors * entry_bytes)) return job_.DataLoss("the file is truncated");
  for (size_t i = 0; i < num_colors; ++i) {
    const uint8_t* bgr = job_.data + at + i * entry_bytes;
    palette_[i] = {bgr[2], bgr[1], bgr[0]};
  }
  return OkStatus();
}

void BmpReader::ConvertRow(const uint8_t* in, uint8_t* rgb) const {
  const int bits = header_.bits;
  for (int64_t x = 0; x < header_.width; ++x, rgb += 3) {
    if (bits <= 8) {
      const int64_t bit = x * bits;
      const int shift = 8 - bits - static_cast<int>(bit % 8);
      std::memcpy(rgb, palette_[(in[bit / 8] >> shift) & ((1 << bits) - 1)].data(), 3);
    } else if (bits == 24) {
      rgb[0] = in[x * 3 + 2];
      rgb[1] = in[x * 3 + 1];
      rgb[2] = in[x * 3];
    } else {
      uint32_t pixel = in[x * (bits / 8)] | (in[x * (bits / 8) + 1] << 8);
      if (bits == 32) pixel |= (in[x * 4 + 2] << 16) | (uint32_t{in[x * 4 + 3]} << 24);
      for (size_t c = 0; c < 3; ++c) rgb[c] = header_.channels[c].Value(pixel);
    }
  }
}

Result<Image> BmpReader::Read() {
  MAO_RETURN_IF_ERROR(ReadHeader());
  if (header_.width <= 0) return job_.DataLoss(fmt::format("a width of {}", header_.width));
  MAO_RETURN_IF_ERROR(
      job_.CheckSides(static_cast<uint64_t>(header_.width), static_cast<uint64_t>(header_.height)));
  const int bits = header_.bits;
  const bool indexed = bits == 1 || bits == 4 || bits == 8;
  if (!indexed && bits != 16 && bits != 24 && bits != 32) {
    return job_.Unimplemented(fmt::format("{} bits a pixel", bits));
  }
  const bool masked = header_.compression == kBitFields && (bits == 16 || bits == 32);
  if (header_.compression != kRaw && !masked) {
    return job_.Unimplemented(fmt::format("compression {}", header_.compression));
  }
  MAO_RETURN_IF_ERROR(indexed ? ReadPalette() : ReadChannels());
  // Rows are padded to 32 bits; the last one need not be.
  const uint64_t row_bits = static_cast<uint64_t>(header_.width) * static_cast<uint64_t>(bits);
  const uint64_t stride = (row_bits + 31) / 32 * 4;
  const uint64_t needed = stride * static_cast<uint64_t>(header_.height - 1) + (row_bits + 7) / 8;
  if (!Has(header_.pixel_offset, needed)) return job_.DataLoss("the file is truncated");
  Image image = MakeImage(static_cast<int>(header_.width), static_cast<int>(header_.height));
  for (int y = 0; y < image.height; ++y) {
    const int row = header_.top_down ? y : image.height - 1 - y;
    ConvertRow(job_.data + header_.pixel_offset + static_cast<uint64_t>(y) * stride,
               image.row(row));
  }
  return image;
}

}  // namespace

Result<DecodedImage> DecodeBmp(const DecodeJob& job) {
  MAO_ASSIGN_OR_RETURN(Image image, BmpReader(job).Read());
  return DecodedImage{std::move(image), 1};
}

}  // namespace mao
