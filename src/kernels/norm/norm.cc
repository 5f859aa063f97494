#include "kernels/norm/norm.h"

#include <algorithm>

#include "kernels/arch/isa_table.h"
#include "kernels/norm/norm_kernels.h"

namespace mao {
namespace {

constexpr int64_t kRowsPerItem = 16;

const NormKernels& Kernels() { return SelectByIsa(kNormAvx512, kNormAvx2, kNormGeneric); }

template <typename Row>
void ForEachRow(int64_t rows, ThreadPool& pool, const Row& row) {
  pool.ParallelFor(static_cast<size_t>((rows + kRowsPerItem - 1) / kRowsPerItem),
                   [&](size_t item, size_t) {
                     const int64_t first = static_cast<int64_t>(item) * kRowsPerItem;
                     const int64_t last = std::min(first + kRowsPerItem, rows);
                     for (int64_t i = first; i < last; ++i) row(i);
                   });
}

}  // namespace

void LayerNorm(const float* x, int64_t x_stride, int64_t rows, int64_t n, const float* weight,
               const float* bias, float eps, float* y, int64_t y_stride, ThreadPool& pool) {
  const NormKernels& kernels = Kernels();
  ForEachRow(rows, pool, [&](int64_t i) {
    kernels.layer_norm(x + i * x_stride, n, weight, bias, eps, y + i * y_stride);
  });
}

void RmsNorm(const float* x, int64_t x_stride, int64_t rows, int64_t n, const float* weight,
             float eps, float* y, int64_t y_stride, ThreadPool& pool) {
  const NormKernels& kernels = Kernels();
  ForEachRow(rows, pool, [&](int64_t i) {
    kernels.rms_norm(x + i * x_stride, n, weight, eps, y + i * y_stride);
  });
}

}  // namespace mao
