#ifndef MAOOCR_KERNELS_ACT_ACT_KERNELS_H_
#define MAOOCR_KERNELS_ACT_ACT_KERNELS_H_

#include <stdint.h>

namespace mao {

struct ActKernels {
  void (*silu_and_mul)(const float* gate, const float* up, int64_t n, float* y);
  void (*softmax)(const float* x, int64_t n, float* y);
};

extern const ActKernels kActGeneric;
extern const ActKernels kActAvx2;
extern const ActKernels kActAvx512;

}  // namespace mao

#endif  // MAOOCR_KERNELS_ACT_ACT_KERNELS_H_
