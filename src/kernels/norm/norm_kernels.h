#ifndef MAOOCR_KERNELS_NORM_NORM_KERNELS_H_
#define MAOOCR_KERNELS_NORM_NORM_KERNELS_H_

#include <stdint.h>

namespace mao {

struct NormKernels {
  void (*layer_norm)(const float* x, int64_t n, const float* weight, const float* bias, float eps,
                     float* y);
  void (*rms_norm)(const float* x, int64_t n, const float* weight, float eps, float* y);
};

extern const NormKernels kNormGeneric;
extern const NormKernels kNormAvx2;
extern const NormKernels kNormAvx512;

}  // namespace mao

#endif  // MAOOCR_KERNELS_NORM_NORM_KERNELS_H_
