// Rotary position embedding.
#ifndef MAOOCR_KERNELS_ROPE_ROPE_H_
#define MAOOCR_KERNELS_ROPE_ROPE_H_

#include <cstdint>

#include "base/thread_pool.h"

namespace mao {

// Rotates heads in place, rotate-half pairing (element i with i + head_dim/2; Su et al. 2021 in the
// form of GPT-NeoX). x: `rows` rows of stride x_stride, each with num_heads heads of head_dim
// floats. Row r uses row positions[r] of the tables cos, sin [.., head_dim/2].
// head_dim/2 must be a multiple of 16.
void RotateHalf(float* x, int64_t x_stride, int64_t rows, int64_t num_heads, int64_t head_dim,
                const int32_t* positions, const float* cos, const float* sin, ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_KERNELS_ROPE_ROPE_H_
