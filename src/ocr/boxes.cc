#include "ocr/boxes.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mao {
namespace {

constexpr std::string_view kOriginalName = "original";
constexpr std::string_view kPaddedSquareName = "padded_square";

int ToPixel(double value, int side, int longest, BoxSpace space) {
  const double pixel = space == BoxSpace::kOriginal
                           ? value / kBoxScale * side
                           : value * longest / kBoxScale - (longest - side) / 2.0;
  return static_cast<int>(std::clamp<double>(pixel, 0, side));
}

int ToNorm(double value) { return static_cast<int>(std::clamp<double>(value, 0, kBoxScale)); }

template <typename Box>
Box Ordered(Box box) {
  if (box.x1 > box.x2) std::swap(box.x1, box.x2);
  if (box.y1 > box.y2) std::swap(box.y1, box.y2);
  return box;
}

std::pair<int, int> WidenToOne(int low, int high, int side) {
  if (high > low) return {low, high};
  low = std::min(low, side - 1);
  return {low, low + 1};
}

}  // namespace

std::string_view BoxSpaceName(BoxSpace space) {
  return space == BoxSpace::kOriginal ? kOriginalName : kPaddedSquareName;
}

std::optional<BoxSpace> ParseBoxSpace(std::string_view name) {
  if (name == kOriginalName) return BoxSpace::kOriginal;
  if (name == kPaddedSquareName) return BoxSpace::kPaddedSquare;
  return std::nullopt;
}

NormBox Normalise(const RawBox& box) {
  return Ordered(NormBox{ToNorm(box.x1), ToNorm(box.y1), ToNorm(box.x2), ToNorm(box.y2)});
}

PixelBox ToPixels(const RawBox& box, int width, int height, BoxSpace space) {
  const int longest = std::max(width, height);
  return Ordered(
      PixelBox{ToPixel(box.x1, width, longest, space), ToPixel(box.y1, height, longest, space),
               ToPixel(box.x2, width, longest, space), ToPixel(box.y2, height, longest, space)});
}

PixelBox Union(std::span<const PixelBox> boxes) {
  PixelBox all = boxes.front();
  for (const PixelBox& box : boxes) {
    all = {std::min(all.x1, box.x1), std::min(all.y1, box.y1), std::max(all.x2, box.x2),
           std::max(all.y2, box.y2)};
  }
  return all;
}

PixelBox AtLeastOnePixel(PixelBox box, int width, int height) {
  std::tie(box.x1, box.x2) = WidenToOne(box.x1, box.x2, width);
  std::tie(box.y1, box.y2) = WidenToOne(box.y1, box.y2, height);
  return box;
}

}  // namespace mao
