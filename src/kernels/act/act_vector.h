// Gated activations of one row, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ACT_ACT_VECTOR_H_
#define MAOOCR_KERNELS_ACT_ACT_VECTOR_H_

#include "kernels/act/act_kernels.h"
#include "kernels/arch/vec_math.h"

namespace mao {
namespace {

template <typename Vec>
inline void SiluAndMulRow(const float* gate, const float* up, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 16) {
    (Swish(Vec::Load(gate + i), 1.0f) * Vec::Load(up + i)).Store(y + i);
  }
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ACT_ACT_VECTOR_H_
