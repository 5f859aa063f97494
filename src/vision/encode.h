// Pictures to files in memory.
#ifndef MAOOCR_VISION_ENCODE_H_
#define MAOOCR_VISION_ENCODE_H_

#include <string>

#include "base/status.h"
#include "vision/image.h"

namespace mao {

inline constexpr int kDefaultJpegQuality = 75;  // Pillow's

// Baseline JPEG with 4:2:0 chroma, as Pillow's save() writes it. InvalidArgument if the image is
// empty or inconsistent, the quality is outside 1..100, or a side is above JPEG's 65500.
Result<std::string> EncodeJpeg(const Image& image, int quality = kDefaultJpegQuality);

// 8-bit RGB PNG, favouring speed over size. InvalidArgument as above.
Result<std::string> EncodePng(const Image& image);

}  // namespace mao

#endif  // MAOOCR_VISION_ENCODE_H_
