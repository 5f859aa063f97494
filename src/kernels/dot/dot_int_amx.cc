// The dot kernel for integer weights on AMX tiles. Two panels at a time: every group of k goes
// through all rows of the work item, so that its weights are unpacked once, and the integer sums of
// 2 x 2 tiles join the float totals of those rows, which stay in the first-level cache.
#include <immintrin.h>
#include <string.h>

#include "kernels/dot/amx_outputs.h"
#include "kernels/dot/dot_int_vector.h"

namespace mao {
namespace {

using Vec = VecAvx512;

constexpr int64_t kTileBytes = 1024;
constexpr int64_t kWidth = 2 * kDotPanelColumns;  // of the totals

// Prepared A: for each 16 rows, one block per group: its tiles, then scales and scaled sums of the
// rows.
struct RowFactors {
  float scale[kTileRows];
  float scaled_sum[kTileRows];
};

inline int64_t GroupOfTilesBytes(int64_t depth) {
  return depth * kTileRows + static_cast<int64_t>(sizeof(RowFactors));
}

inline int64_t RowTileBytes(const PackedWeights& w) {
  return IntDepth(w.k) * kTileRows +
         NumGroups(w.format, w.k) * static_cast<int64_t>(sizeof(RowFactors));
}

void PrepareIntTiles(const DotProblem& problem, int64_t first_row, int64_t last_row, bool,
                     void* prepared) {
  const int64_t group_bytes = GroupOfTilesBytes(GroupDepth(problem.w.format));
  for (int64_t row = first_row; row < last_row; row += kTileRows) {
    auto* block = static_cast<std::byte*>(prepared) + row / kTileRows * RowTileBytes(problem.w);
    if (row + kTileRows > last_row) memset(block, 0, static_cast<size_t>(RowTileBytes(problem.w)));
    for (int64_t r = 0; r < kTileRows && row + r < last_row; ++r) {
      RoundRow<Vec>(problem.w, RowOfA(problem, row + r),
                    [&](int64_t index, const int8_t* bytes, int64_t depth, const GroupOfA& group) {
                      std::byte* target = block + index * group_bytes;
                      for (int64_t k = 0; k < depth; k += kIntTileDepth) {
                        memcpy(target + k / kIntTileDepth * kTileBytes + r * kIntTileDepth,
                               bytes + k, kIntTileDepth);
                      }
                      auto* factors = reinterpret_cast<RowFactors*>(target + depth * kTileRows);
                      factors->scale[r] = group.scale;
                      factors->scaled_sum[r] = group.scaled_sum;
                    });
    }
  }
}

// A group of two panels (or of one): its tiles and scales.
struct PanelGroup {
  const std::byte* tiles[2];
  const std::byte* scales[2];
  int64_t num_tiles;
};

// sums[2 * row tile + panel] = the integer products of one group.
template <WeightFormat kFormat, int kRowTiles, int kPanels>
inline void MultiplyGroup(const PanelGroup& group, const std::byte* a, int64_t row_tile_bytes,
                          int32_t (*sums)[kTileRows * kDotPanelColumns]) {
  _tile_zero(0);
  if (kPanels == 2) _tile_zero(1);
  if (kRowTiles == 2) _tile_zero(2);
  if (kRowTiles == 2 && kPanels == 2) _tile_zero(3);
  for (int64_t i = 0; i < group.num_tiles; ++i) {
    _tile_loadd(4, a + i * kTileBytes, 64);
    _tile_loadd(6, group.tiles[0] + i * kTileBytes, 64);
    if (kPanels == 2) _tile_loadd(7, group.tiles[1] + i * kTileBytes, 64);
    if (kRowTiles == 2) _tile_loadd(5, a + row_tile_bytes + i * kTileBytes, 64);
    if constexpr (kFormat == WeightFormat::kInt8) {
      _tile_dpbssd(0, 4, 6);
      if (kPanels == 2) _tile_dpbssd(1, 4, 7);
      if (kRowTiles == 2) _tile_dpbssd(2, 5, 6);
      if (kRowTiles == 2 && kPanels == 2) _tile_dpbssd(3, 5, 7);
    } else {
      _tile_dpbsud(0, 4, 6);
      if (kPanels == 2) _tile_dpbsud(1, 4, 7);
      if (kRowTiles == 2) _tile_dpbsud(2, 5, 6);
      if (kRowTiles == 2 && kPanels == 2) _tile_dpbsud(3, 5, 7);
    }
  }
  FenceTiles();
  _tile_stored(0, sums[0], 64);
  if (kPanels == 2) _tile_stored(1, sums[1], 64);
  if (kRowTiles == 2) _tile_stored(2, sums[2], 64);
  if (kRowTiles == 2 && kPanels == 2) _tile_stored(3, sums[3], 64);
  FenceTiles();
}

// The sums of up to 16 rows join their totals, as JoinGroup does.
template <WeightFormat kFormat>
inline void JoinTile(const int32_t* sums, const RowFactors& factors, const std::byte* scales,
                     int64_t num_rows, float* totals) {
  Vec weight_scale;
  Vec weight_min;
  if constexpr (kFormat == WeightFormat::kInt8) {
    weight_scale = Vec::Load(reinterpret_cast<const float*>(scales));
  } else {
    Vec::LoadPairs(reinterpret_cast<const BFloat16*>(scales), weight_scale, weight_min);
  }
  for (int64_t r = 0; r < num_rows; ++r) {
    const Vec sum = {_mm512_cvtepi32_ps(_mm512_load_si512(sums + r * kDotPanelColumns))};
    Vec total = Vec::Load(totals + r * kWidth);
    total = Vec::Fma(sum, Vec::Set1(factors.scale[r]) * weight_scale, total);
    if constexpr (kFormat == WeightFormat::kInt4) {
      total = Vec::Fma(Vec::Set1(factors.scaled_sum[r]), weight_min, total);
    }
    total.Store(totals + r * kWidth);
  }
}

template <WeightFormat kFormat, int kRowTiles, int kPanels>
inline void RowsOfGroup(const PanelGroup& group, const std::byte* a, int64_t row_tile_bytes,
                        int64_t num_rows, float* totals) {
  alignas(64) int32_t sums[4][kTileRows * kDotPanelColumns];
  MultiplyGroup<kFormat, kRowTiles, kPanels>(group, a, row_tile_bytes, sums);
  for (int t = 0; t < kRowTiles; ++t) {
    const auto& factors =
        *reinterpret_cast<const RowFactors*>(a + t * row_tile_bytes + group.num_tiles * kTileBytes);
    const int64_t left = num_rows - t * kTileRows;
    const int64_t rows_of_tile = left < kTileRows ? left : kTileRows;
    float* rows = totals + t * kTileRows * kWidth;
    JoinTile<kFormat>(sums[2 * t], factors, group.scales[0], rows_of_tile, rows);
    if (kPanels == 2) {
      JoinTile<kFormat>(sums[2 * t + 1], factors, group.scales[1], rows_of_tile,
                        rows + kDotPanelColumns);
    }
  }
}

inline void UnpackHalves(const std::byte* lines, std::byte* tile) {
  for (int i = 0; i < kTileRows / 2; ++i) {
    __m512i low;
    __m512i high;
    IntDotsAvx512::LoadHalves(lines + i * 64, low, high);
    _mm512_store_si512(tile + 2 * i * 64, low);
    _mm512_store_si512(tile + (2 * i + 1) * 64, high);
  }
}

template <WeightFormat kFormat, int kPanels>
inline void RunPanels(const DotBlock& block, int64_t panel) {
  const PackedWeights& w = block.problem->w;
  const int64_t row_tile_bytes = RowTileBytes(w);
  const int64_t num_rows = block.last_row - block.first_row;
  const auto* a =
      static_cast<const std::byte*>(block.a) + block.first_row / kTileRows * row_tile_bytes;
  alignas(64) float totals[kMaxRowsPerBlock * kWidth];
  memset(totals, 0,
         static_cast<size_t>((num_rows + kTileRows - 1) / kTileRows * kTileRows * kWidth) *
             sizeof(float));
  alignas(64) std::byte unpacked[2][kTileBytes];
  const int64_t panel_bytes = PanelBytes(kFormat, w.k);
  const std::byte* panels = w.data + panel * panel_bytes;
  const PanelStreams<kPanels> streams(block, panel);
  const std::byte* weights = panels;
  // With few rows the weights come from memory as fast as they are used.
  const bool is_short = num_rows <= 2 * kTileRows;
  const int64_t total_depth = IntDepth(w.k);
  for (int64_t k = 0; k < total_depth; k += GroupDepth(kFormat)) {
    const int64_t left = total_depth - k;
    const int64_t depth = left < GroupDepth(kFormat) ? left : GroupDepth(kFormat);
    PanelGroup group = {};
    group.num_tiles = depth / kIntTileDepth;
    for (int p = 0; p < kPanels; ++p) {
      const std::byte* lines = weights + p * panel_bytes;
      if (is_short) {
        const std::byte* ahead = streams.Ahead(p, weights - panels);
        for (int64_t i = 0; i < GroupBytes(kFormat, depth); i += 64) __builtin_prefetch(ahead + i);
      }
      group.scales[p] = lines + GroupBytes(kFormat, depth) - 64;
      group.tiles[p] = lines;
      if constexpr (kFormat == WeightFormat::kInt4) {
        static_assert(GroupDepth(kFormat) == kIntTileDepth);
        UnpackHalves(lines, unpacked[p]);
        group.tiles[p] = unpacked[p];
      }
    }
    FenceTiles();
    int64_t row = 0;
    const std::byte* rows = a;
    for (; row + kTileRows < num_rows; row += 2 * kTileRows, rows += 2 * row_tile_bytes) {
      RowsOfGroup<kFormat, 2, kPanels>(group, rows, row_tile_bytes, num_rows - row,
                                       totals + row * kWidth);
    }
    if (row < num_rows) {
      RowsOfGroup<kFormat, 1, kPanels>(group, rows, row_tile_bytes, num_rows - row,
                                       totals + row * kWidth);
    }
    a += GroupOfTilesBytes(depth);
    weights += GroupBytes(kFormat, depth);
  }
  for (int64_t row = 0; row < num_rows; row += kTileRows) {
    for (int p = 0; p < kPanels; ++p) {
      FinishRows(block, totals + row * kWidth + p * kDotPanelColumns, kWidth, block.first_row + row,
                 panel + p);
    }
  }
}

template <WeightFormat kFormat>
inline void RunFormat(const DotBlock& block) {
  int64_t panel = block.first_panel;
  for (; panel + 2 <= block.last_panel; panel += 2) RunPanels<kFormat, 2>(block, panel);
  if (panel < block.last_panel) RunPanels<kFormat, 1>(block, panel);
}

void RunIntAmx(const DotBlock& block) {
  ConfigureTiles(block.last_row - block.first_row);
  if (block.problem->w.format == WeightFormat::kInt8) {
    RunFormat<WeightFormat::kInt8>(block);
  } else {
    RunFormat<WeightFormat::kInt4>(block);
  }
  ReleaseTiles();
  FenceOutputs(block);
}

}  // namespace

const DotKernels kDotIntAmx = {&PrepareIntTiles, &RunIntAmx};

}  // namespace mao
