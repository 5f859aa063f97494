// Normalisation of rows of floats. Statistics in float, sixteen partial sums joined in one fixed
// tree, so every instruction set gives the same bits. n must be a multiple of 16.
#ifndef MAOOCR_KERNELS_NORM_NORM_H_
#define MAOOCR_KERNELS_NORM_NORM_H_

#include <cstdint>

#include "base/thread_pool.h"

namespace mao {

// y[i] = (x[i] - mean) / sqrt(variance + eps) * weight + bias for each of `rows` rows of n floats,
// with the population variance (two passes). y may be x. Ba et al. 2016.
void LayerNorm(const float* x, int64_t x_stride, int64_t rows, int64_t n, const float* weight,
               const float* bias, float eps, float* y, int64_t y_stride, ThreadPool& pool);

// y[i] = x[i] / sqrt(mean of squares + eps) * weight. y may be x. Zhang and Sennrich 2019.
void RmsNorm(const float* x, int64_t x_stride, int64_t rows, int64_t n, const float* weight,
             float eps, float* y, int64_t y_stride, ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_KERNELS_NORM_NORM_H_
