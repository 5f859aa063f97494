// Rotation of the heads of one row, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ROPE_ROPE_VECTOR_H_
#define MAOOCR_KERNELS_ROPE_ROPE_VECTOR_H_

#include "kernels/rope/rope_kernels.h"

namespace mao {
namespace {

template <typename Vec>
inline void RotateHalfRow(float* x, int64_t num_heads, int64_t half, const float* cos,
                          const float* sin) {
  for (int64_t head = 0; head < num_heads; ++head, x += 2 * half) {
    for (int64_t i = 0; i < half; i += 16) {
      const Vec c = Vec::Load(cos + i);
      const Vec s = Vec::Load(sin + i);
      const Vec first = Vec::Load(x + i);
      const Vec second = Vec::Load(x + half + i);
      (first * c - second * s).Store(x + i);
      (second * c + first * s).Store(x + half + i);
    }
  }
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ROPE_ROPE_VECTOR_H_
