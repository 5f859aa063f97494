// The page with its boxes drawn on it, for people to check what was read where.
#ifndef MAOOCR_OCR_OVERLAY_H_
#define MAOOCR_OCR_OVERLAY_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "ocr/page_result.h"
#include "vision/image.h"

namespace mao {

// Boxes beyond this many are not drawn.
inline constexpr size_t kMaxOverlayBoxes = 4096;

struct OverlayColor {
  uint8_t red, green, blue;
  bool operator==(const OverlayColor&) const = default;
};

// The colour of block k: dark enough to read on white, neighbours far apart, always the same.
OverlayColor BlockColor(size_t block);

// As the released scripts draw it: one colour per block for all its boxes, an outline (title twice
// as wide), a fill of the same colour at 20/255, and the label above the box in that colour on a
// white patch. Outline and label grow with the page: 2 (4) pixels and 12 pixels on sides up to
// 1024, in proportion above. Labels may be in any script that an installed font covers (little
// squares otherwise); long ones are cut. Blocks without a label draw nothing. Errors:
// InvalidArgument (the page has no pixels), OutOfRange (a side above 32767 pixels),
// ResourceExhausted (no memory).
Result<Image> DrawOverlay(const Image& page, std::span<const PageBlock> blocks);

}  // namespace mao

#endif  // MAOOCR_OCR_OVERLAY_H_
