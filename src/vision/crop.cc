#include "vision/crop.h"

#include <algorithm>
#include <cstring>

namespace mao {

Image Crop(const Image& image, int x, int y, int width, int height) {
  if (!IsWellFormed(image)) return {};
  const int left = std::clamp(x, 0, image.width);
  const int top = std::clamp(y, 0, image.height);
  const int64_t right = std::min<int64_t>(int64_t{x} + width, image.width);
  const int64_t bottom = std::min<int64_t>(int64_t{y} + height, image.height);
  if (right <= left || bottom <= top) return {};
  Image out = MakeImage(static_cast<int>(right) - left, static_cast<int>(bottom) - top);
  for (int row = 0; row < out.height; ++row) {
    std::memcpy(out.row(row), image.row(top + row) + static_cast<size_t>(left) * 3,
                out.row_bytes());
  }
  return out;
}

}  // namespace mao
