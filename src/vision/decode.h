// From the bytes of an image file to RGB pixels. Every byte is taken as hostile.
#ifndef MAOOCR_VISION_DECODE_H_
#define MAOOCR_VISION_DECODE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "vision/image.h"

namespace mao {

// What one file may cost. Sides and pixels are checked from the header, before memory is taken.
struct ImageLimits {
  size_t max_file_bytes = size_t{100} << 20;
  // A3 at 600 dpi has 70 million pixels. The worst file under this limit (a progressive CMYK JPEG)
  // takes 11 bytes a pixel while it is decoded, so this is also a cap of 1.1 GB of memory.
  int64_t max_pixels = 100'000'000;
  int max_side = 65'535;
  // Looked at between rows (JPEG, PNG, GIF) or strips (TIFF). WebP and BMP take time in proportion
  // to their pixels, which are limited already.
  std::chrono::milliseconds max_decode_time{30'000};
};

// Whether the first bytes are those of a format that DecodeImage knows.
bool IsImageFile(std::span<const std::byte> bytes);

// Decodes JPEG, PNG, WebP, TIFF (first page), BMP and GIF (first frame), told apart by their first
// bytes, never by `name`, which serves for messages only. The pixels are those that Pillow's
// ImageOps.exif_transpose(image).convert("RGB") gives, so:
// - the EXIF orientation is applied;
// - alpha is dropped, not blended;
// - colour profiles and gamma are ignored;
// - CMYK is converted by (255 - c) * (255 - k) / 255, and JPEG's CMYK is taken as inverted.
// One exception: 16-bit samples are read as their high byte, where Pillow clips grey ones at 255,
// which turns a scan white.
//
// Errors: InvalidArgument (empty, or no image of a known format), DataLoss (corrupt or truncated),
// OutOfRange (above a limit), DeadlineExceeded (above max_decode_time), Unimplemented (a valid file
// of an unusual kind), ResourceExhausted (no memory).
Result<Image> DecodeImage(std::span<const std::byte> bytes, std::string_view name,
                          const ImageLimits& limits = {});

}  // namespace mao

#endif  // MAOOCR_VISION_DECODE_H_
