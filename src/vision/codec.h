// What the decoders of the single formats share. Private to vision; see decode.h for the door.
#ifndef MAOOCR_VISION_CODEC_H_
#define MAOOCR_VISION_CODEC_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "vision/decode.h"
#include "vision/image.h"

namespace mao {

// One file to decode and what it may cost.
struct DecodeJob {
  const uint8_t* data = nullptr;
  size_t size_bytes = 0;
  std::string_view name;
  std::string_view format;
  ImageLimits limits;
  std::chrono::steady_clock::time_point deadline;

  bool PastDeadline() const { return std::chrono::steady_clock::now() > deadline; }

  // To be called with the sides from the header before any memory is taken for pixels. DataLoss if
  // a side is 0, OutOfRange above max_side or max_pixels.
  Status CheckSides(uint64_t width, uint64_t height) const;

  // Errors that name the file and the format.
  Status DataLoss(std::string_view what) const;
  Status Unimplemented(std::string_view what) const;
  Status OutOfRange(std::string_view what) const;
  Status TooSlow() const;
  Status NoMemory() const;
};

// The pixels as stored, and the EXIF orientation (1 to 8) that is still to be applied.
struct DecodedImage {
  Image image;
  int orientation = 1;
};

// Each may throw std::bad_alloc from its own frame, never through a codec's frames.
Result<DecodedImage> DecodeJpeg(const DecodeJob& job);
Result<DecodedImage> DecodePng(const DecodeJob& job);
Result<DecodedImage> DecodeWebp(const DecodeJob& job);
Result<DecodedImage> DecodeTiff(const DecodeJob& job);
Result<DecodedImage> DecodeBmp(const DecodeJob& job);
Result<DecodedImage> DecodeGif(const DecodeJob& job);

// Pillow's conversion: products are divided by 255 with rounding.
inline void CmykToRgb(uint8_t c, uint8_t m, uint8_t y, uint8_t k, uint8_t* rgb) {
  const int light = 255 - k;
  const auto channel = [light](int ink) {
    const int product = ink * light + 128;
    const int value = light - ((product + (product >> 8)) >> 8);
    return static_cast<uint8_t>(value < 0 ? 0 : value);
  };
  rgb[0] = channel(c);
  rgb[1] = channel(m);
  rgb[2] = channel(y);
}

}  // namespace mao

#endif  // MAOOCR_VISION_CODEC_H_
