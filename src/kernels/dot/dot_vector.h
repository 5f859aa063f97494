// The vector form of the dot kernel, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_DOT_DOT_VECTOR_H_
#define MAOOCR_KERNELS_DOT_DOT_VECTOR_H_

#include <string.h>

#include "kernels/arch/vec_math.h"
#include "kernels/dot/dot_kernels.h"

namespace mao {
namespace {

inline const float* RowOfA(const DotProblem& problem, int64_t row) {
  const int64_t index = problem.a_rows != nullptr ? problem.a_rows[row] : row;
  return problem.a + index * problem.a_stride;
}

template <typename Vec>
inline void PrepareRows(const DotProblem& problem, int64_t first_row, int64_t last_row,
                        bool round_a, void* prepared) {
  const int64_t k = problem.w.k;
  for (int64_t row = first_row; row < last_row; ++row) {
    const float* source = RowOfA(problem, row);
    float* target = static_cast<float*>(prepared) + row * k;
    for (int64_t i = 0; i < k; i += 16) {
      const Vec v = Vec::Load(source + i);
      (round_a ? Vec::RoundToBFloat16(v) : v).Store(target + i);
    }
  }
}

template <typename Vec>
inline void LoadWeightPair(const BFloat16* tile_row, Vec& even, Vec& odd) {
  Vec::LoadPairs(tile_row, even, odd);
}
template <typename Vec>
inline void LoadWeightPair(const float* tile_row, Vec& even, Vec& odd) {
  even = Vec::Load(tile_row);
  odd = Vec::Load(tile_row + 16);
}

template <typename Vec>
inline Vec Activate(Vec x, Activation act) {
  switch (act) {
    case Activation::kGelu:
      return Gelu(x);
    case Activation::kQuickGelu:
      return Swish(x, 1.702f);
    case Activation::kNone:
      break;
  }
  return x;
}

// Bias and activation of a whole panel.
template <typename Vec>
inline Vec Epilogue(const DotProblem& problem, int64_t panel, Vec sum) {
  if (problem.bias != nullptr) sum = sum + Vec::Load(problem.bias + panel * kDotPanelColumns);
  return Activate(sum, problem.act);
}

// Bias, activation and accumulation of 16 outputs; the last panel of a matrix may be narrower.
template <typename Vec>
inline void Finish(const DotBlock& block, int64_t row, int64_t panel, Vec sum) {
  const DotProblem& problem = *block.problem;
  const int64_t first = panel * kDotPanelColumns;
  if (problem.c_prepared != nullptr) {
    sum = Epilogue(problem, panel, sum);
    (block.round_c ? Vec::RoundToBFloat16(sum) : sum)
        .Store(reinterpret_cast<float*>(problem.c_prepared) + row * problem.w.n + first);
    return;
  }
  const int64_t width =
      problem.w.n - first < kDotPanelColumns ? problem.w.n - first : kDotPanelColumns;
  float* c = problem.c + row * problem.c_stride + first;
  if (width == kDotPanelColumns) {
    sum = Epilogue(problem, panel, sum);
    if (problem.accumulate) sum = sum + Vec::Load(c);
    sum.Store(c);
    return;
  }
  float part[kDotPanelColumns] = {};
  if (problem.bias != nullptr) {
    memcpy(part, problem.bias + first, static_cast<size_t>(width) * sizeof(float));
    sum = sum + Vec::Load(part);
  }
  sum = Activate(sum, problem.act);
  if (problem.accumulate) {
    memcpy(part, c, static_cast<size_t>(width) * sizeof(float));
    sum = sum + Vec::Load(part);
  }
  sum.Store(part);
  memcpy(c, part, static_cast<size_t>(width) * sizeof(float));
}

// Pairs of bfloat16 are 32-bit words here; a tile is their 16 x 16 transpose.
inline void PackPanelScalar(const std::byte* rows, int64_t stride_bytes, int64_t k,
                            std::byte* panel) {
  for (int64_t block = 0; block < k; block += kDotBlockDepth) {
    uint32_t pairs[kDotPanelColumns][kDotBlockDepth / 2];
    for (int64_t column = 0; column < kDotPanelColumns; ++column) {
      memcpy(pairs[column], rows + column * stride_bytes + block * 2, sizeof(pairs[column]));
    }
    for (int64_t j = 0; j < kDotBlockDepth / 2; ++j) {
      uint32_t line[kDotPanelColumns];
      for (int64_t column = 0; column < kDotPanelColumns; ++column) line[column] = pairs[column][j];
      memcpy(panel, line, sizeof(line));
      panel += sizeof(line);
    }
  }
}

// What to prefetch while kPanels panels are read at once: several streams reach the memory's
// bandwidth, if none starts cold. Where the panels end, the thread's next ones follow.
template <int kPanels>
class PanelStreams {
 public:
  PanelStreams(const DotBlock& block, int64_t panel)
      : panel_bytes_(PanelBytes(block.problem->w.format, block.problem->w.k)),
        here_(block.problem->w.data + panel * panel_bytes_),
        next_(here_ + kPanels * panel_bytes_),
        next_panel_bytes_(panel_bytes_) {
    if (panel + kPanels < block.last_panel || block.next_panels == nullptr) return;
    next_ = block.next_panels;
    next_panel_bytes_ = block.next_panel_bytes;
  }

  // When panel `p` is read at `offset` (bytes from its start), this is to come soon.
  const std::byte* Ahead(int p, int64_t offset) const {
    constexpr int64_t kAheadBytes = 4096;
    offset += kAheadBytes;
    return offset < panel_bytes_ ? here_ + p * panel_bytes_ + offset
                                 : next_ + p * next_panel_bytes_ + (offset - panel_bytes_);
  }

 private:
  int64_t panel_bytes_;
  const std::byte* here_;
  const std::byte* next_;
  int64_t next_panel_bytes_;
};

// kRows rows x kPanels panels, all of k.
template <typename Vec, typename Weight, int kRows, int kPanels>
inline void DotTile(const DotBlock& block, const float* a, int64_t row, int64_t panel) {
  const DotProblem& problem = *block.problem;
  const int64_t k = problem.w.k;
  const int64_t panel_elements = k * kDotPanelColumns;
  constexpr auto kWeightBytes = static_cast<int64_t>(sizeof(Weight));
  const auto* weights = reinterpret_cast<const Weight*>(problem.w.data) + panel * panel_elements;
  Vec total[kRows][kPanels];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) total[r][p] = Vec::Zero();
  }
  const PanelStreams<kPanels> streams(block, panel);
  // Full tiles are those of many rows, which find their weights in the cache.
  constexpr bool kPrefetches = kRows == 1 || kRows < Vec::kDotRows;
  for (int64_t first_k = 0; first_k < k; first_k += kDotBlockDepth) {
    const std::byte* ahead[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      ahead[p] = streams.Ahead(p, first_k * kDotPanelColumns * kWeightBytes);
    }
    Vec even[kRows][kPanels];
    Vec odd[kRows][kPanels];
    for (int r = 0; r < kRows; ++r) {
      for (int p = 0; p < kPanels; ++p) even[r][p] = odd[r][p] = Vec::Zero();
    }
    const Weight* tile = weights + first_k * kDotPanelColumns;
#pragma GCC unroll 4
    for (int j = 0; j < kDotBlockDepth / 2; ++j) {
      Vec w_even[kPanels];
      Vec w_odd[kPanels];
      for (int p = 0; p < kPanels; ++p) {
        const Weight* tile_row = tile + p * panel_elements + j * 2 * kDotPanelColumns;
        LoadWeightPair(tile_row, w_even[p], w_odd[p]);
        if (kPrefetches) __builtin_prefetch(ahead[p] + j * 2 * kDotPanelColumns * kWeightBytes);
      }
      for (int r = 0; r < kRows; ++r) {
        const float* a_pair = a + r * k + first_k + 2 * j;
        const Vec a_even = Vec::Set1(a_pair[0]);
        const Vec a_odd = Vec::Set1(a_pair[1]);
        for (int p = 0; p < kPanels; ++p) {
          even[r][p] = Vec::Fma(a_even, w_even[p], even[r][p]);
          odd[r][p] = Vec::Fma(a_odd, w_odd[p], odd[r][p]);
        }
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int p = 0; p < kPanels; ++p) total[r][p] = total[r][p] + (even[r][p] + odd[r][p]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) Finish(block, row + r, panel + p, total[r][p]);
  }
}

template <typename Tile, int kRows, int kPanels>
inline void TilesOfRows(const DotBlock& block, int64_t row) {
  int64_t panel = block.first_panel;
  for (; panel + kPanels <= block.last_panel; panel += kPanels) {
    Tile::template Run<kRows, kPanels>(block, row, panel);
  }
  for (; panel < block.last_panel; ++panel) Tile::template Run<kRows, 1>(block, row, panel);
}

// The last rows of a block, at most kRows of them, in one go: their weights are read once.
template <typename Tile, int kRows>
inline void TilesOfLastRows(const DotBlock& block, int64_t row) {
  if constexpr (kRows > 0) {
    if (block.last_row - row == kRows) {
      return TilesOfRows<Tile, kRows, Tile::PanelsFor(kRows)>(block, row);
    }
    TilesOfLastRows<Tile, kRows - 1>(block, row);
  }
}

// Cuts a block into tiles of kRows rows, and one of what is left over.
template <typename Tile>
inline void TilesOfBlock(const DotBlock& block) {
  int64_t row = block.first_row;
  for (; row + Tile::kRows <= block.last_row; row += Tile::kRows) {
    TilesOfRows<Tile, Tile::kRows, Tile::PanelsFor(Tile::kRows)>(block, row);
  }
  TilesOfLastRows<Tile, Tile::kRows - 1>(block, row);
}

template <typename Vec, typename Weight>
struct FloatTile {
  static constexpr int kRows = Vec::kDotRows;
  static constexpr int PanelsFor(int rows) {
    return rows == 1 ? Vec::kGemvPanels : Vec::kDotPanels;
  }

  template <int kTileRows, int kTilePanels>
  static void Run(const DotBlock& block, int64_t row, int64_t panel) {
    const float* a = static_cast<const float*>(block.a) + row * block.problem->w.k;
    DotTile<Vec, Weight, kTileRows, kTilePanels>(block, a, row, panel);
  }
};

template <typename Vec>
inline void RunVector(const DotBlock& block) {
  if (block.problem->w.format == WeightFormat::kBF16) {
    TilesOfBlock<FloatTile<Vec, BFloat16>>(block);
  } else {
    TilesOfBlock<FloatTile<Vec, float>>(block);
  }
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_DOT_VECTOR_H_
