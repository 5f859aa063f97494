#include "vision/resample_bytes.h"

#include "base/cpu_features.h"
#include "vision/resample_bytes_inl.h"

namespace mao {

#if defined(__x86_64__)
// In resample_bytes_avx2.cc.
void ResampleBytesAvx2(const uint8_t* src, size_t stride, const int32_t* weights, int num_taps,
                       uint8_t* out, size_t count);
#endif

ResampleBytesFunction ChooseResampleBytes() {
#if defined(__x86_64__)
  if (CurrentCpuIsa() >= CpuIsa::kAvx2) return ResampleBytesAvx2;
#endif
  return ResampleBytes;
}

}  // namespace mao
