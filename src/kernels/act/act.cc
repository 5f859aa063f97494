#include "kernels/act/act.h"

#include "kernels/act/act_kernels.h"
#include "kernels/arch/isa_table.h"

namespace mao {

void SiluAndMul(const float* x, int64_t x_stride, int64_t rows, int64_t n, float* y,
                int64_t y_stride, ThreadPool& pool) {
  const ActKernels& kernels = SelectByIsa(kActAvx512, kActAvx2, kActGeneric);
  pool.ParallelFor(static_cast<size_t>(rows), [&](size_t item, size_t) {
    const auto row = static_cast<int64_t>(item);
    const float* gate = x + row * x_stride;
    kernels.silu_and_mul(gate, gate + n, n, y + row * y_stride);
  });
}

void Softmax(const float* x, int64_t rows, int64_t n, float* y, ThreadPool& pool) {
  const ActKernels& kernels = SelectByIsa(kActAvx512, kActAvx2, kActGeneric);
  pool.ParallelFor(static_cast<size_t>(rows), [&](size_t item, size_t) {
    const auto row = static_cast<int64_t>(item);
    kernels.softmax(x + row * n, n, y + row * n);
  });
}

}  // namespace mao
