// A picture in memory.
#ifndef MAOOCR_VISION_IMAGE_H_
#define MAOOCR_VISION_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mao {

// 8-bit RGB, row-major, no padding: rgb holds height x width x 3 bytes.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;

  size_t row_bytes() const { return static_cast<size_t>(width) * 3; }
  uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * row_bytes(); }
  const uint8_t* row(int y) const { return rgb.data() + static_cast<size_t>(y) * row_bytes(); }
};

// Sides must not be negative. All bytes hold `value`.
inline Image MakeImage(int width, int height, uint8_t value = 0) {
  const size_t size_bytes = static_cast<size_t>(width) * static_cast<size_t>(height) * 3;
  return {width, height, std::vector<uint8_t>(size_bytes, value)};
}

// Whether the picture has at least one pixel and as many bytes as its sides say.
inline bool IsWellFormed(const Image& image) {
  return image.width > 0 && image.height > 0 &&
         image.rgb.size() == static_cast<size_t>(image.width) * image.height * 3;
}

}  // namespace mao

#endif  // MAOOCR_VISION_IMAGE_H_
