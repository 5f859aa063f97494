#include "vision/letterbox.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/core.h>

#include "vision/resize.h"

namespace mao {
namespace {

constexpr uint8_t kPadding = 127;

// Python's round: halves go to even, which is what nearbyint does in the default rounding mode.
int RoundHalfToEven(double value) { return static_cast<int>(std::nearbyint(value)); }

}  // namespace

Result<LetterboxPlacement> PlaceInSquare(int width, int height, int side) {
  if (width <= 0 || height <= 0 || side <= 0) {
    return InvalidArgumentError(
        fmt::format("a picture of {} x {} pixels in a square of {}", width, height, side));
  }
  LetterboxPlacement place = {0, 0, side, side};
  // The quotient first, then the product, each rounded to double: other orders round differently.
  if (width > height) {
    place.height = RoundHalfToEven(static_cast<double>(height) / width * side);
  } else if (width < height) {
    place.width = RoundHalfToEven(static_cast<double>(width) / height * side);
  }
  if (place.width == 0 || place.height == 0) {
    return InvalidArgumentError(
        fmt::format("a picture of {} x {} pixels is too thin: fitted into a square of {} pixels it "
                    "would be {} x {}",
                    width, height, side, place.width, place.height));
  }
  place.x = RoundHalfToEven((side - place.width) * 0.5);
  place.y = RoundHalfToEven((side - place.height) * 0.5);
  return place;
}

Result<Image> PadToSquare(const Image& image, int side, ThreadPool* pool) {
  MAO_ASSIGN_OR_RETURN(const LetterboxPlacement place,
                       PlaceInSquare(image.width, image.height, side));
  Image content = ResizeBicubic(image, place.width, place.height, pool);
  if (place.width == side && place.height == side) return content;
  Image out = MakeImage(side, side, kPadding);
  for (int y = 0; y < content.height; ++y) {
    std::memcpy(out.row(place.y + y) + static_cast<size_t>(place.x) * 3, content.row(y),
                content.row_bytes());
  }
  return out;
}

}  // namespace mao
