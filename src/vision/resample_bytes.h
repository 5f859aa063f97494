// The inner loop of the resize. Private to vision.
#ifndef MAOOCR_VISION_RESAMPLE_BYTES_H_
#define MAOOCR_VISION_RESAMPLE_BYTES_H_

#include <stddef.h>
#include <stdint.h>

namespace mao {

// Fractional bits of the weights: 32 minus 8 bits of a byte minus 2 of headroom, as in Pillow.
inline constexpr int kWeightBits = 22;

// out[i] = clamp((sum over k of src[k * stride + i] * weights[k] + half) >> kWeightBits) to 0..255,
// for i in [0, count). Both passes are this function: a row of the vertical pass is a weighted sum
// of rows, and a pixel of the horizontal pass one of columns, once these are stored contiguously.
// The sum does not overflow, because the weights of a bicubic add up to less than 1.5 in magnitude.
using ResampleBytesFunction = void (*)(const uint8_t* src, size_t stride, const int32_t* weights,
                                       int num_taps, uint8_t* out, size_t count);

// The version for the CPU in use (CurrentCpuIsa). All of them give the same bytes.
ResampleBytesFunction ChooseResampleBytes();

}  // namespace mao

#endif  // MAOOCR_VISION_RESAMPLE_BYTES_H_
