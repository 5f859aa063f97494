// Pillow's bicubic resize, to the bit.
#ifndef MAOOCR_VISION_RESIZE_H_
#define MAOOCR_VISION_RESIZE_H_

#include "base/thread_pool.h"
#include "vision/image.h"

namespace mao {

// Image.resize((width, height)) of Pillow for RGB: bicubic with a = -0.5, antialiased when it
// shrinks, horizontal pass, then vertical pass, with 8-bit pixels between them and coefficients of
// 22 fractional bits (Pillow's libImaging/Resample.c). A pass that changes nothing is left out.
// Rows are spread over `pool`, which may be null. An empty image in, or a size without pixels,
// gives an empty image. Beyond the result it takes a few megabytes for each thread.
Image ResizeBicubic(const Image& image, int width, int height, ThreadPool* pool);

}  // namespace mao

#endif  // MAOOCR_VISION_RESIZE_H_
