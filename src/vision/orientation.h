// EXIF orientation: reading the tag and turning the picture upright.
#ifndef MAOOCR_VISION_ORIENTATION_H_
#define MAOOCR_VISION_ORIENTATION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "vision/image.h"

namespace mao {

// The value of tag 0x0112 of the first directory of an EXIF block (a TIFF header and what follows;
// a leading "Exif\0\0" is skipped). 1 if the block is damaged, has no such tag, or holds a value
// outside 1 to 8.
int ReadExifOrientation(std::span<const uint8_t> exif);

// Turns a stored picture upright, as Pillow's ImageOps.exif_transpose does. 2: mirrored, 3: upside
// down, 4: mirrored upside down, 5: transposed, 6: to be turned clockwise, 7: transposed across the
// other diagonal, 8: to be turned counter-clockwise. Any other value leaves the picture as it is.
Image ApplyOrientation(Image image, int orientation);

}  // namespace mao

#endif  // MAOOCR_VISION_ORIENTATION_H_
