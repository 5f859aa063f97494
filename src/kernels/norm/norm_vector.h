// One row of each normalisation, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_NORM_NORM_VECTOR_H_
#define MAOOCR_KERNELS_NORM_NORM_VECTOR_H_

#include <math.h>

#include "kernels/norm/norm_kernels.h"

namespace mao {
namespace {

template <typename Vec>
inline void LayerNormRow(const float* x, int64_t n, const float* weight, const float* bias,
                         float eps, float* y) {
  Vec sum = Vec::Zero();
  for (int64_t i = 0; i < n; i += 16) sum = sum + Vec::Load(x + i);
  const float mean = sum.Sum() / static_cast<float>(n);
  Vec squares = Vec::Zero();
  for (int64_t i = 0; i < n; i += 16) {
    const Vec centred = Vec::Load(x + i) - Vec::Set1(mean);
    squares = Vec::Fma(centred, centred, squares);
  }
  const float inverse = 1.0f / sqrtf(squares.Sum() / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; i += 16) {
    const Vec normalised = (Vec::Load(x + i) - Vec::Set1(mean)) * Vec::Set1(inverse);
    Vec::Fma(normalised, Vec::Load(weight + i), Vec::Load(bias + i)).Store(y + i);
  }
}

template <typename Vec>
inline void RmsNormRow(const float* x, int64_t n, const float* weight, float eps, float* y) {
  Vec squares = Vec::Zero();
  for (int64_t i = 0; i < n; i += 16) {
    const Vec v = Vec::Load(x + i);
    squares = Vec::Fma(v, v, squares);
  }
  const float inverse = 1.0f / sqrtf(squares.Sum() / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; i += 16) {
    (Vec::Load(x + i) * Vec::Set1(inverse) * Vec::Load(weight + i)).Store(y + i);
  }
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_NORM_NORM_VECTOR_H_
