// Activations of feed-forward layers and routers.
#ifndef MAOOCR_KERNELS_ACT_ACT_H_
#define MAOOCR_KERNELS_ACT_ACT_H_

#include <cstdint>

#include "base/thread_pool.h"

namespace mao {

// SwiGLU (Shazeer 2020): each row of x holds n gate values, then n up values;
// y[i] = silu(gate[i]) * up[i]. n must be a multiple of 16. y may be x (same stride).
void SiluAndMul(const float* x, int64_t x_stride, int64_t rows, int64_t n, float* y,
                int64_t y_stride, ThreadPool& pool);

// y[i] = exp(x[i]) / sum of exp(x), for each row of n values (at least 1), one behind the other.
void Softmax(const float* x, int64_t rows, int64_t n, float* y, ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_KERNELS_ACT_ACT_H_
