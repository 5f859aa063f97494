// Boxes in three spaces: as the model wrote them, tidied to 0..999, and pixels of the page.
#ifndef MAOOCR_OCR_BOXES_H_
#define MAOOCR_OCR_BOXES_H_

#include <optional>
#include <span>
#include <string_view>

namespace mao {

inline constexpr int kBoxScale = 999;  // coordinates run from 0 to 999, both ends included

// Four numbers as the model wrote them: any order, any size (up to 1e9), fractions and all.
struct RawBox {
  double x1, y1, x2, y2;
  bool operator==(const RawBox&) const = default;
};

// 0 <= x1 <= x2 <= 999 and likewise y, in the model's box space.
struct NormBox {
  int x1, y1, x2, y2;
  bool operator==(const NormBox&) const = default;
};

// Pixels of the upright original page, x2 and y2 exclusive: 0 <= x1 <= x2 <= width.
struct PixelBox {
  int x1, y1, x2, y2;
  bool operator==(const PixelBox&) const = default;
};

// What 0..999 spans. DeepSeek-OCR: the original image. maoocr-tiny: the image padded to a square,
// the picture in its middle (config key maoocr.box_space = "padded_square").
enum class BoxSpace { kOriginal, kPaddedSquare };

std::string_view BoxSpaceName(BoxSpace space);  // "original", "padded_square"
std::optional<BoxSpace> ParseBoxSpace(std::string_view name);

// Clamps, cuts fractions off and puts the corners in order.
NormBox Normalise(const RawBox& box);

// For a page of width x height pixels. Original: trunc(v / 999 * side) in double, as DeepSeek-OCR's
// scripts do. Padded square, side m = max(width, height): trunc(v * m / 999 - (m - side) / 2).
// Then clamped to the page and put in order.
PixelBox ToPixels(const RawBox& box, int width, int height, BoxSpace space);

// The smallest box around all; boxes must not be empty.
PixelBox Union(std::span<const PixelBox> boxes);

// The same box, at least one pixel wide and high and inside the page (which has at least one
// pixel).
PixelBox AtLeastOnePixel(PixelBox box, int width, int height);

}  // namespace mao

#endif  // MAOOCR_OCR_BOXES_H_
