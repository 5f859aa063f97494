// The dot kernel on AMX tiles: 32 rows x 32 outputs at a time, 2 x 2 accumulator tiles.
#include <immintrin.h>
#include <string.h>

#include "kernels/dot/amx_outputs.h"

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

constexpr int64_t kTileFloats = kTileRows * kDotPanelColumns;

// Tiles of k that go through all rows before the next ones follow: two panels of them (16 KiB) stay
// in the first-level cache, and only the rows come from the second.
constexpr int64_t kTilesPerChunk = 8;

// kRowTiles x kPanels tiles (each 1 or 2) over num_tiles tiles of k, starting from `sums` unless
// this is the first chunk, and left there.
template <int kRowTiles, int kPanels>
inline void MultiplyChunk(const BFloat16* a, const BFloat16* w, int64_t k, int64_t num_tiles,
                          bool is_first, float* sums) {
  const BFloat16* a1 = a + kTileRows * k;
  const BFloat16* w1 = w + kDotPanelColumns * k;
  if (is_first) {
    _tile_zero(0);
    if (kPanels == 2) _tile_zero(1);
    if (kRowTiles == 2) _tile_zero(2);
    if (kRowTiles == 2 && kPanels == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, 64);
    if (kPanels == 2) _tile_loadd(1, sums + kTileFloats, 64);
    if (kRowTiles == 2) _tile_loadd(2, sums + 2 * kTileFloats, 64);
    if (kRowTiles == 2 && kPanels == 2) _tile_loadd(3, sums + 3 * kTileFloats, 64);
  }
  for (int64_t i = 0; i < num_tiles * kDotTileElements; i += kDotTileElements) {
    _tile_loadd(4, a + i, 64);
    _tile_loadd(6, w + i, 64);
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
  FenceTiles();
  _tile_stored(0, sums, 64);
  if (kPanels == 2) _tile_stored(1, sums + kTileFloats, 64);
  if (kRowTiles == 2) _tile_stored(2, sums + 2 * kTileFloats, 64);
  if (kRowTiles == 2 && kPanels == 2) _tile_stored(3, sums + 3 * kTileFloats, 64);
  FenceTiles();
}

// Two neighbouring panels of 16 rows become one tile of the next product's A.
inline void FinishAsTile(const DotBlock& block, const float* sums, int64_t row, int64_t panel) {
  const DotProblem& problem = *block.problem;
  auto* tile = reinterpret_cast<BFloat16*>(problem.c_prepared) + row * problem.w.n +
               panel / 2 * kDotTileElements;
  const int64_t num_rows = block.last_row - row < kTileRows ? block.last_row - row : kTileRows;
  for (int64_t r = 0; r < num_rows; ++r, sums += kDotPanelColumns, tile += kDotBlockDepth) {
    const VecAvx512 low = Epilogue(problem, panel, VecAvx512::Load(sums));
    const VecAvx512 high = Epilogue(problem, panel + 1, VecAvx512::Load(sums + kTileFloats));
    const auto line = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high.v, low.v));
    if (block.stream_c) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(tile), line);
    } else {
      _mm512_store_si512(tile, line);
    }
  }
}

// One chunk of k for kRowTiles x kPanels tiles; the last one completes their outputs.
template <int kRowTiles, int kPanels>
inline void ChunkOfTiles(const DotBlock& block, int64_t row, int64_t panel, int64_t first_tile,
                         int64_t num_tiles, float* sums) {
  const int64_t k = block.problem->w.k;
  const auto* a = static_cast<const BFloat16*>(block.a) + row * k;
  const auto* w =
      reinterpret_cast<const BFloat16*>(block.problem->w.data) + panel * kDotPanelColumns * k;
  const int64_t skipped = first_tile * kDotTileElements;
  MultiplyChunk<kRowTiles, kPanels>(a + skipped, w + skipped, k, num_tiles, first_tile == 0, sums);
  if ((first_tile + num_tiles) * kDotBlockDepth < k) return;
  if (kPanels == 2 && block.problem->c_prepared != nullptr) {
    FinishAsTile(block, sums, row, panel);
    if (kRowTiles == 2) FinishAsTile(block, sums + 2 * kTileFloats, row + kTileRows, panel);
    return;
  }
  FinishRows(block, sums, kDotPanelColumns, row, panel);
  if (kPanels == 2) FinishRows(block, sums + kTileFloats, kDotPanelColumns, row, panel + 1);
  if (kRowTiles == 2)
    FinishRows(block, sums + 2 * kTileFloats, kDotPanelColumns, row + kTileRows, panel);
  if (kRowTiles == 2 && kPanels == 2) {
    FinishRows(block, sums + 3 * kTileFloats, kDotPanelColumns, row + kTileRows, panel + 1);
  }
}

template <int kPanels>
inline void TilePanels(const DotBlock& block, int64_t panel) {
  alignas(64) float sums[kMaxRowsPerBlock / kTileRows * 2 * kTileFloats];
  const int64_t num_tiles = block.problem->w.k / kDotBlockDepth;
  // Weights that one pair of row tiles uses are used once: nothing to keep.
  const bool is_short = block.last_row - block.first_row <= 2 * kTileRows;
  const int64_t chunk = is_short ? num_tiles : kTilesPerChunk;
  for (int64_t tile = 0; tile < num_tiles; tile += chunk) {
    const int64_t count = num_tiles - tile < chunk ? num_tiles - tile : chunk;
    float* sums_of_rows = sums;
    int64_t row = block.first_row;
    for (; row + kTileRows < block.last_row; row += 2 * kTileRows) {
      ChunkOfTiles<2, kPanels>(block, row, panel, tile, count, sums_of_rows);
      sums_of_rows += 4 * kTileFloats;
    }
    if (row < block.last_row) {
      ChunkOfTiles<1, kPanels>(block, row, panel, tile, count, sums_of_rows);
    }
  }
}

void RunAmx(const DotBlock& block) {
  ConfigureTiles();
  int64_t panel = block.first_panel;
  for (; panel + 2 <= block.last_panel; panel += 2) TilePanels<2>(block, panel);
  if (panel < block.last_panel) TilePanels<1>(block, panel);
  ReleaseTiles();
  FenceOutputs(block);
}

}  // namespace

const DotKernels kDotAmx = {&PrepareTiles, &RunAmx};

}  // namespace mao
