#include "kernels/rope/rope.h"

#include "kernels/arch/isa_table.h"
#include "kernels/rope/rope_kernels.h"

namespace mao {

void RotateHalf(float* x, int64_t x_stride, int64_t rows, int64_t num_heads, int64_t head_dim,
                const int32_t* positions, const float* cos, const float* sin, ThreadPool& pool) {
  const RopeKernels& kernels = SelectByIsa(kRopeAvx512, kRopeAvx2, kRopeGeneric);
  const int64_t half = head_dim / 2;
  pool.ParallelFor(static_cast<size_t>(rows), [&](size_t row, size_t) {
    const int64_t at = positions[row] * half;
    kernels.rotate_half(x + static_cast<int64_t>(row) * x_stride, num_heads, half, cos + at,
                        sin + at);
  });
}

}  // namespace mao
