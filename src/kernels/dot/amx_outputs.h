// Outputs of the kernels on AMX tiles.
#ifndef MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_
#define MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_

#include "kernels/arch/amx_tiles.h"
#include "kernels/arch/vec_avx512.h"
#include "kernels/dot/dot_vector.h"

namespace mao {
namespace {

// Bias and activation of num_rows rows of one panel, a row of sums every sums_stride floats; then
// store(row, values).
template <typename Store>
inline void StoreRows(const DotProblem& problem, const float* sums, int64_t sums_stride,
                      int64_t num_rows, int64_t panel, const Store& store) {
  const VecAvx512 bias = problem.bias != nullptr
                             ? VecAvx512::Load(problem.bias + panel * kDotPanelColumns)
                             : VecAvx512::Zero();
  for (int64_t r = 0; r < num_rows; ++r, sums += sums_stride) {
    VecAvx512 value = VecAvx512::Load(sums);
    if (problem.bias != nullptr) value = value + bias;
    if (problem.act != Activation::kNone) value = Activate(value, problem.act);
    store(r, value);
  }
}

// Completes the outputs of up to 16 rows of one panel.
inline void FinishRows(const DotBlock& block, const float* sums, int64_t sums_stride,
                       int64_t first_row, int64_t panel) {
  const DotProblem& problem = *block.problem;
  const int64_t left = block.last_row - first_row;
  const int64_t num_rows = left < kTileRows ? left : kTileRows;
  const int64_t column = panel * kDotPanelColumns;
  if (problem.c_prepared != nullptr || column + kDotPanelColumns > problem.w.n) {
    for (int64_t r = 0; r < num_rows; ++r) {
      Finish(block, first_row + r, panel, VecAvx512::Load(sums + r * sums_stride));
    }
    return;
  }
  float* c = problem.c + first_row * problem.c_stride + column;
  if (block.stream_c) {
    StoreRows(problem, sums, sums_stride, num_rows, panel, [&](int64_t r, VecAvx512 value) {
      _mm512_stream_ps(c + r * problem.c_stride, value.v);
    });
  } else if (problem.accumulate) {
    StoreRows(problem, sums, sums_stride, num_rows, panel, [&](int64_t r, VecAvx512 value) {
      (value + VecAvx512::Load(c + r * problem.c_stride)).Store(c + r * problem.c_stride);
    });
  } else {
    StoreRows(problem, sums, sums_stride, num_rows, panel,
              [&](int64_t r, VecAvx512 value) { value.Store(c + r * problem.c_stride); });
  }
}

// Stores past the caches are not ordered like others: the next layer's threads must see them.
inline void FenceOutputs(const DotBlock& block) {
  if (block.stream_c) _mm_sfence();
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_
