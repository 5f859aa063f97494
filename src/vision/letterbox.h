// A picture fitted into a square, with grey bars.
#ifndef MAOOCR_VISION_LETTERBOX_H_
#define MAOOCR_VISION_LETTERBOX_H_

#include "base/status.h"
#include "base/thread_pool.h"
#include "vision/image.h"

namespace mao {

// Where the picture lies in the square.
struct LetterboxPlacement {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  bool operator==(const LetterboxPlacement&) const = default;
};

// The place that Pillow's ImageOps.pad gives a picture of width x height pixels in a square of
// `side`: the longer side fills it, the shorter one is rounded, halves to even, and centred
// likewise. InvalidArgument if a side is not positive, or the shorter side rounds to 0 (Pillow
// fails there too).
Result<LetterboxPlacement> PlaceInSquare(int width, int height, int side);

// ImageOps.pad(image, (side, side), color=(127, 127, 127)): bicubic. Errors as above. `pool` may be
// null.
Result<Image> PadToSquare(const Image& image, int side, ThreadPool* pool);

}  // namespace mao

#endif  // MAOOCR_VISION_LETTERBOX_H_
