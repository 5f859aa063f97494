// The pictures of a page, cut out as the Markdown links them.
#ifndef MAOOCR_OCR_FIGURES_H_
#define MAOOCR_OCR_FIGURES_H_

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "ocr/page_result.h"
#include "vision/image.h"

namespace mao {

struct FigureImage {
  std::string path;  // PageFigure::path
  Image image;
};

// One picture per figure, in their order. `page` is the upright page that the boxes belong to.
// A block with several boxes gives one picture that holds all of them, so that link k is file k.
// InvalidArgument if the page is empty or a box does not lie on it.
Result<std::vector<FigureImage>> CropFigures(const Image& page,
                                             std::span<const PageFigure> figures);

}  // namespace mao

#endif  // MAOOCR_OCR_FIGURES_H_
