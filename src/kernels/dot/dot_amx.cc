// The dot kernel on AMX tiles: 32 rows x 32 outputs at a time, 2 x 2 accumulator tiles.
#include <immintrin.h>
#include <string.h>

#include "kernels/arch/amx_tiles.h"
#include "kernels/arch/vec_avx512.h"
#include "kernels/dot/dot_vector.h"

namespace mao {
namespace {

void PrepareTiles(const DotProblem& problem, int64_t first_row, int64_t last_row, bool,
                  void* prepared) {
  const int64_t k = problem.w.k;
  auto* tiles = static_cast<BFloat16*>(prepared) + first_row * k;
  for (int64_t row = first_row; row < last_row; row += kTileRows, tiles += kTileRows * k) {
    for (int r = 0; r < kTileRows; ++r) {
      BFloat16* target = tiles + r * kDotBlockDepth;
      if (row + r >= last_row) {
        for (int64_t i = 0; i < k; i += kDotBlockDepth, target += kDotTileElements) {
          memset(target, 0, kDotBlockDepth * sizeof(BFloat16));
        }
        continue;
      }
      const float* source = RowOfA(problem, row + r);
      for (int64_t i = 0; i < k; i += kDotBlockDepth, target += kDotTileElements) {
        const __m512bh pair =
            _mm512_cvtne2ps_pbh(_mm512_loadu_ps(source + i + 16), _mm512_loadu_ps(source + i));
        _mm512_storeu_si512(target, reinterpret_cast<__m512i>(pair));
      }
    }
  }
}

void FinishTile(const DotBlock& block, const float* sums, int64_t first_row, int64_t panel) {
  const int64_t end = first_row + kTileRows;
  const int64_t last_row = end < block.last_row ? end : block.last_row;
  for (int64_t row = first_row; row < last_row; ++row, sums += kDotPanelColumns) {
    Finish(*block.problem, row, panel, VecAvx512::Load(sums));
  }
}

// kRowTiles x kPanels tiles (each 1 or 2) over all of k.
template <int kRowTiles, int kPanels>
inline void TileProduct(const DotBlock& block, int64_t row, int64_t panel) {
  const DotProblem& problem = *block.problem;
  const int64_t k = problem.w.k;
  const BFloat16* a0 = static_cast<const BFloat16*>(block.a) + row * k;
  const BFloat16* a1 = a0 + kTileRows * k;
  const BFloat16* w0 =
      reinterpret_cast<const BFloat16*>(problem.w.data) + panel * kDotPanelColumns * k;
  const BFloat16* w1 = w0 + kDotPanelColumns * k;
  _tile_zero(0);
  if (kPanels == 2) _tile_zero(1);
  if (kRowTiles == 2) _tile_zero(2);
  if (kRowTiles == 2 && kPanels == 2) _tile_zero(3);
  for (int64_t i = 0; i < kTileRows * k; i += kDotTileElements) {
    _tile_loadd(4, a0 + i, 64);
    _tile_loadd(6, w0 + i, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (kPanels == 2) {
      _tile_loadd(7, w1 + i, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (kRowTiles == 2) {
      _tile_loadd(5, a1 + i, 64);
      _tile_dpbf16ps(2, 5, 6);
    }
    if (kRowTiles == 2 && kPanels == 2) _tile_dpbf16ps(3, 5, 7);
  }
  alignas(64) float sums[4][kTileRows * kDotPanelColumns];
  FenceTiles();
  _tile_stored(0, sums[0], 64);
  if (kPanels == 2) _tile_stored(1, sums[1], 64);
  if (kRowTiles == 2) _tile_stored(2, sums[2], 64);
  if (kRowTiles == 2 && kPanels == 2) _tile_stored(3, sums[3], 64);
  FenceTiles();
  FinishTile(block, sums[0], row, panel);
  if (kPanels == 2) FinishTile(block, sums[1], row, panel + 1);
  if (kRowTiles == 2) FinishTile(block, sums[2], row + kTileRows, panel);
  if (kRowTiles == 2 && kPanels == 2) FinishTile(block, sums[3], row + kTileRows, panel + 1);
}

template <int kPanels>
inline void TilePanels(const DotBlock& block, int64_t panel) {
  int64_t row = block.first_row;
  for (; row + kTileRows < block.last_row; row += 2 * kTileRows) {
    TileProduct<2, kPanels>(block, row, panel);
  }
  if (row < block.last_row) TileProduct<1, kPanels>(block, row, panel);
}

void RunAmx(const DotBlock& block) {
  ConfigureTiles();
  int64_t panel = block.first_panel;
  for (; panel + 2 <= block.last_panel; panel += 2) TilePanels<2>(block, panel);
  if (panel < block.last_panel) TilePanels<1>(block, panel);
  ReleaseTiles();
}

}  // namespace

const DotKernels kDotAmx = {&PrepareTiles, &RunAmx};

}  // namespace mao
