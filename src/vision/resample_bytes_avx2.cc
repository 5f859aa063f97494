#include "vision/resample_bytes_inl.h"

namespace mao {

void ResampleBytesAvx2(const uint8_t* src, size_t stride, const int32_t* weights, int num_taps,
                       uint8_t* out, size_t count) {
  ResampleBytes(src, stride, weights, num_taps, out, count);
}

}  // namespace mao
