// A rectangle out of a picture.
#ifndef MAOOCR_VISION_CROP_H_
#define MAOOCR_VISION_CROP_H_

#include "vision/image.h"

namespace mao {

// The part of the rectangle with top-left corner (x, y), width x height pixels, that lies inside
// the picture: a rectangle that reaches beyond an edge is cut there, one that lies outside gives an
// empty image. (Pillow's crop fills with black instead; no caller wants pixels that are not there.)
Image Crop(const Image& image, int x, int y, int width, int height);

}  // namespace mao

#endif  // MAOOCR_VISION_CROP_H_
