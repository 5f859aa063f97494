// The loop behind ResampleBytesFunction in plain C++, compiled once for each instruction set. It
// has internal linkage and includes nothing with inline functions, so that the linker cannot give
// code for one instruction set to a CPU without it.
#ifndef MAOOCR_VISION_RESAMPLE_BYTES_INL_H_
#define MAOOCR_VISION_RESAMPLE_BYTES_INL_H_

#include "vision/resample_bytes.h"

namespace mao {
namespace {

// Lanes that are summed together: four registers of AVX2, so that the sums never leave them.
constexpr size_t kResampleLanes = 32;

template <size_t kLanes>
inline void ResampleLanes(const uint8_t* __restrict src, size_t stride,
                          const int32_t* __restrict weights, int num_taps,
                          uint8_t* __restrict out) {
  int32_t sum[kLanes];
  for (size_t i = 0; i < kLanes; ++i) sum[i] = 1 << (kWeightBits - 1);
  for (int k = 0; k < num_taps; ++k, src += stride) {
    const int32_t weight = weights[k];
    for (size_t i = 0; i < kLanes; ++i) sum[i] += src[i] * weight;
  }
  for (size_t i = 0; i < kLanes; ++i) {
    const int32_t value = sum[i] >> kWeightBits;
    out[i] = static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

inline void ResampleBytes(const uint8_t* src, size_t stride, const int32_t* weights, int num_taps,
                          uint8_t* out, size_t count) {
  if (count < kResampleLanes) {
    for (size_t i = 0; i < count; ++i) {
      ResampleLanes<1>(src + i, stride, weights, num_taps, out + i);
    }
    return;
  }
  for (size_t i = 0; i + kResampleLanes <= count; i += kResampleLanes) {
    ResampleLanes<kResampleLanes>(src + i, stride, weights, num_taps, out + i);
  }
  if (count % kResampleLanes == 0) return;
  const size_t last = count - kResampleLanes;  // once more up to the end, over what is done already
  ResampleLanes<kResampleLanes>(src + last, stride, weights, num_taps, out + last);
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_VISION_RESAMPLE_BYTES_INL_H_
