#include "ocr/figures.h"

#include <fmt/core.h>

#include "vision/crop.h"

namespace mao {

Result<std::vector<FigureImage>> CropFigures(const Image& page,
                                             std::span<const PageFigure> figures) {
  if (!IsWellFormed(page)) return InvalidArgumentError("page to cut figures from: has no pixels");
  std::vector<FigureImage> images;
  for (const PageFigure& figure : figures) {
    const PixelBox& b = figure.box;
    if (b.x1 < 0 || b.y1 < 0 || b.x1 >= b.x2 || b.y1 >= b.y2 || b.x2 > page.width ||
        b.y2 > page.height) {
      return InvalidArgumentError(fmt::format(
          "figure {}: its box [{}, {}, {}, {}] does not lie on the page of {}x{} pixels",
          figure.path, b.x1, b.y1, b.x2, b.y2, page.width, page.height));
    }
    images.push_back({figure.path, Crop(page, b.x1, b.y1, b.x2 - b.x1, b.y2 - b.y1)});
  }
  return images;
}

}  // namespace mao
