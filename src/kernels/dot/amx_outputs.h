// Outputs of the kernels on AMX tiles.
#ifndef MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_
#define MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_

#include "kernels/arch/amx_tiles.h"
#include "kernels/arch/vec_avx512.h"
#include "kernels/dot/dot_vector.h"

namespace mao {
namespace {

// Completes up to 16 rows of one panel from their sums, a row every sums_stride floats.
inline void FinishRows(const DotBlock& block, const float* sums, int64_t sums_stride,
                       int64_t first_row, int64_t panel) {
  const int64_t end = first_row + kTileRows;
  const int64_t last_row = end < block.last_row ? end : block.last_row;
  const DotProblem& problem = *block.problem;
  if (block.stream_c && (panel + 1) * kDotPanelColumns <= problem.w.n) {
    for (int64_t row = first_row; row < last_row; ++row, sums += sums_stride) {
      const VecAvx512 value = Epilogue(problem, panel, VecAvx512::Load(sums));
      _mm512_stream_ps(problem.c + row * problem.c_stride + panel * kDotPanelColumns, value.v);
    }
    return;
  }
  for (int64_t row = first_row; row < last_row; ++row, sums += sums_stride) {
    Finish(block, row, panel, VecAvx512::Load(sums));
  }
}

// Stores past the caches are not ordered like others: the next layer's threads must see them.
inline void FenceOutputs(const DotBlock& block) {
  if (block.stream_c) _mm_sfence();
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_AMX_OUTPUTS_H_
