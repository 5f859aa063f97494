#ifndef MAOOCR_KERNELS_ROPE_ROPE_KERNELS_H_
#define MAOOCR_KERNELS_ROPE_ROPE_KERNELS_H_

#include <stdint.h>

namespace mao {

struct RopeKernels {
  // num_heads heads of 2 * half floats, all with the angles cos, sin [half].
  void (*rotate_half)(float* x, int64_t num_heads, int64_t half, const float* cos,
                      const float* sin);
};

extern const RopeKernels kRopeGeneric;
extern const RopeKernels kRopeAvx2;
extern const RopeKernels kRopeAvx512;

}  // namespace mao

#endif  // MAOOCR_KERNELS_ROPE_ROPE_KERNELS_H_
