// The dot kernel for integer weights, and their packing, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_DOT_DOT_INT_VECTOR_H_
#define MAOOCR_KERNELS_DOT_DOT_INT_VECTOR_H_

#include <string.h>

#include "kernels/arch/int_dots.h"
#include "kernels/dot/dot_vector.h"

namespace mao {
namespace {

// Below this a group counts as zero: the inverse of its scale must stay finite.
constexpr float kTinyMagnitude = 1e-30f;

// Ranges that BestRange tries: narrower by up to kMaxRangeCuts times kRangeCut.
constexpr int kMaxRangeCuts = 4;
constexpr float kRangeCut = 0.05f;

// One group of a row of A.
struct GroupOfA {
  float scale;
  float scaled_sum;  // scale * sum of the integers
  int32_t sum;
};

template <typename Vec>
inline float MaxMagnitude(const float* values, int64_t depth) {
  Vec max = Vec::Zero();
  for (int64_t i = 0; i < depth; i += 16) max = Vec::Max(max, Vec::Abs(Vec::Load(values + i)));
  return max.MaxLane();
}

// Rounds `depth` values to bytes. Source and target need no alignment.
template <typename Vec>
inline GroupOfA RoundGroup(const float* values, int64_t depth, int8_t* target) {
  const float max = MaxMagnitude<Vec>(values, depth);
  if (!(max > kTinyMagnitude)) {
    memset(target, 0, static_cast<size_t>(depth));
    return {0.0f, 0.0f, 0};
  }
  const Vec inverse = Vec::Set1(127.0f / max);
  Vec sum = Vec::Zero();
  for (int64_t i = 0; i < depth; i += 16) {
    const Vec rounded = RoundToInteger(Vec::Load(values + i) * inverse);
    rounded.Store(target + i);
    sum = sum + rounded;  // exact
  }
  const float scale = max / 127.0f;
  const float total = sum.Sum();
  return {scale, scale * total, static_cast<int32_t>(total)};
}

// A prepared row: IntDepth(k) bytes, then one GroupOfA per group.
inline int64_t PreparedRowBytes(const PackedWeights& w) {
  return IntDepth(w.k) + NumGroups(w.format, w.k) * static_cast<int64_t>(sizeof(GroupOfA));
}

// Rounds the groups of one row of A. The last group may reach beyond k, by 32 zeros.
template <typename Vec, typename Body>
inline void RoundRow(const PackedWeights& w, const float* source, const Body& body) {
  const int64_t group_depth = GroupDepth(w.format);
  for (int64_t k = 0; k < w.k; k += group_depth) {
    const int64_t depth = w.k - k < group_depth ? w.k - k : group_depth;
    alignas(64) int8_t bytes[kMaxGroupDepth] = {};
    const GroupOfA group = RoundGroup<Vec>(source + k, depth, bytes);
    body(k / group_depth, bytes, IntDepth(depth), group);
  }
}

template <typename Vec>
inline void PrepareIntRows(const DotProblem& problem, int64_t first_row, int64_t last_row, bool,
                           void* prepared) {
  const int64_t stride = PreparedRowBytes(problem.w);
  for (int64_t row = first_row; row < last_row; ++row) {
    auto* target = static_cast<std::byte*>(prepared) + row * stride;
    auto* groups = target + IntDepth(problem.w.k);
    RoundRow<Vec>(
        problem.w, RowOfA(problem, row),
        [&](int64_t index, const int8_t* bytes, int64_t depth, const GroupOfA& group) {
          memcpy(target + index * GroupDepth(problem.w.format), bytes, static_cast<size_t>(depth));
          memcpy(groups + index * static_cast<int64_t>(sizeof(group)), &group, sizeof(group));
        });
  }
}

// Adds one group's integer sums to the totals.
template <WeightFormat kFormat, typename Vec>
inline Vec JoinGroup(Vec total, Vec sums, float scale, float scaled_sum, const std::byte* scales) {
  if constexpr (kFormat == WeightFormat::kInt8) {
    return Vec::Fma(sums, Vec::Set1(scale) * Vec::Load(reinterpret_cast<const float*>(scales)),
                    total);
  } else {
    Vec weight_scale;
    Vec weight_min;
    Vec::LoadPairs(reinterpret_cast<const BFloat16*>(scales), weight_scale, weight_min);
    total = Vec::Fma(sums, Vec::Set1(scale) * weight_scale, total);
    return Vec::Fma(Vec::Set1(scaled_sum), weight_min, total);
  }
}

// kRows rows x kPanels panels, all of k.
template <WeightFormat kFormat, typename Dots, int kRows, int kPanels>
inline void IntTile(const DotBlock& block, const std::byte* a, int64_t row, int64_t panel) {
  using Vec = typename Dots::Vec;
  const PackedWeights& w = block.problem->w;
  const int64_t row_stride = PreparedRowBytes(w);
  const int64_t panel_stride = PanelBytes(kFormat, w.k);
  const int64_t total_depth = IntDepth(w.k);
  constexpr int kRowsOfLine = kFormat == WeightFormat::kInt8 ? 1 : 2;
  const std::byte* panels = w.data + panel * panel_stride;
  const PanelStreams<kPanels> streams(block, panel);
  constexpr bool kPrefetches = kRows == 1 || kRows < Dots::kRows;
  const std::byte* group = panels;
  Vec total[kRows][kPanels];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) total[r][p] = Vec::Zero();
  }
  int64_t index = 0;
  for (int64_t k = 0; k < total_depth; k += GroupDepth(kFormat), ++index) {
    const int64_t left = total_depth - k;
    const int64_t depth = left < GroupDepth(kFormat) ? left : GroupDepth(kFormat);
    GroupOfA group_of_a[kRows];
    Dots dots[kRows][kPanels];
    for (int r = 0; r < kRows; ++r) {
      memcpy(&group_of_a[r],
             a + r * row_stride + total_depth + index * static_cast<int64_t>(sizeof(GroupOfA)),
             sizeof(GroupOfA));
      const int32_t bias = kFormat == WeightFormat::kInt8 ? Dots::kBias * group_of_a[r].sum : 0;
      for (int p = 0; p < kPanels; ++p) dots[r][p] = Dots::Start(-bias);
    }
    const int64_t num_lines = depth / (4 * kRowsOfLine);
    const std::byte* ahead[kPanels];
    for (int p = 0; p < kPanels; ++p) ahead[p] = streams.Ahead(p, group - panels);
    const auto* bytes = reinterpret_cast<const int8_t*>(a + k);
#pragma GCC unroll 4
    for (int64_t line = 0; line < num_lines; ++line) {
      typename Dots::Line weights[kPanels][kRowsOfLine];
      for (int p = 0; p < kPanels; ++p) {
        const std::byte* source = group + p * panel_stride + line * 64;
        if constexpr (kRowsOfLine == 1) {
          weights[p][0] = Dots::LoadSigned(source);
        } else {
          Dots::LoadHalves(source, weights[p][0], weights[p][1]);
        }
        if (kPrefetches) __builtin_prefetch(ahead[p] + line * 64);
      }
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < kRowsOfLine; ++i) {
          for (int p = 0; p < kPanels; ++p) {
            dots[r][p].Add(weights[p][i], bytes + r * row_stride + 4 * (line * kRowsOfLine + i));
          }
        }
      }
    }
    const std::byte* scales = group + GroupBytes(kFormat, depth) - 64;
    for (int r = 0; r < kRows; ++r) {
      for (int p = 0; p < kPanels; ++p) {
        total[r][p] = JoinGroup<kFormat>(total[r][p], dots[r][p].Value(), group_of_a[r].scale,
                                         group_of_a[r].scaled_sum, scales + p * panel_stride);
      }
    }
    group += GroupBytes(kFormat, depth);
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) Finish(block, row + r, panel + p, total[r][p]);
  }
}

template <WeightFormat kFormat, typename Dots>
struct IntegerTile {
  static constexpr int kRows = Dots::kRows;
  static constexpr int PanelsFor(int) { return Dots::kPanels; }

  template <int kTileRows, int kTilePanels>
  static void Run(const DotBlock& block, int64_t row, int64_t panel) {
    const std::byte* a =
        static_cast<const std::byte*>(block.a) + row * PreparedRowBytes(block.problem->w);
    IntTile<kFormat, Dots, kTileRows, kTilePanels>(block, a, row, panel);
  }
};

template <typename Dots>
inline void RunInt(const DotBlock& block) {
  if (block.problem->w.format == WeightFormat::kInt8) {
    TilesOfBlock<IntegerTile<WeightFormat::kInt8, Dots>>(block);
  } else {
    TilesOfBlock<IntegerTile<WeightFormat::kInt4, Dots>>(block);
  }
}

// Writes the bytes of one output, four k to a line.
inline void PlaceBytes(const int8_t* bytes, int64_t depth, int64_t column, std::byte* group) {
  for (int64_t k = 0; k < depth; k += 4) {
    memcpy(group + k / 4 * 64 + column * 4, bytes + k, 4);
  }
}

// The same for halves of bytes, eight k to a line.
inline void PlaceHalves(const int8_t* bytes, int64_t depth, int64_t column, std::byte* group) {
  for (int64_t k = 0; k < depth; k += 8) {
    uint32_t low;
    uint32_t high;
    memcpy(&low, bytes + k, 4);
    memcpy(&high, bytes + k + 4, 4);
    low |= high << 4;
    memcpy(group + k / 8 * 64 + column * 4, &low, 4);
  }
}

// Steps of kInt4 from min (in 0..15, not rounded to bytes yet) for 16 weights.
template <typename Vec>
inline Vec Steps(const float* values, Vec min, Vec inverse) {
  const Vec steps = RoundToInteger((Vec::Load(values) - min) * inverse);
  return Vec::Min(Vec::Max(steps, Vec::Zero()), Vec::Set1(15.0f));
}

struct Int4Range {
  BFloat16 scale;
  BFloat16 min;

  Int4Range(float lowest, float highest)
      : scale(ToBFloat16((highest - lowest) / 15.0f)), min(ToBFloat16(lowest)) {}
  float Inverse() const { return ToFloat(scale) > kTinyMagnitude ? 1.0f / ToFloat(scale) : 0.0f; }
};

// The squared error of rounding to that range.
template <typename Vec>
inline float RoundingError(const float* values, int64_t depth, const Int4Range& range) {
  const Vec scale = Vec::Set1(ToFloat(range.scale));
  const Vec min = Vec::Set1(ToFloat(range.min));
  const Vec inverse = Vec::Set1(range.Inverse());
  Vec sum = Vec::Zero();
  for (int64_t i = 0; i < depth; i += 16) {
    const Vec error = Vec::Fma(Steps(values + i, min, inverse), scale, min) - Vec::Load(values + i);
    sum = Vec::Fma(error, error, sum);
  }
  return sum.Sum();
}

// Few weights lie at the ends of a group's range: a narrower one clips them and rounds all others
// finer. The range with the least squared error wins.
template <typename Vec>
inline Int4Range BestRange(const float* values, int64_t depth) {
  Vec lows = Vec::Load(values);
  Vec highs = lows;
  for (int64_t i = 16; i < depth; i += 16) {
    lows = Vec::Min(lows, Vec::Load(values + i));
    highs = Vec::Max(highs, Vec::Load(values + i));
  }
  const float lowest = -(Vec::Zero() - lows).MaxLane();
  const float highest = highs.MaxLane();
  Int4Range best(lowest, highest);
  float least = RoundingError<Vec>(values, depth, best);
  for (int cut = 1; cut <= kMaxRangeCuts; ++cut) {
    const float shrink = (highest - lowest) * 0.5f * kRangeCut * static_cast<float>(cut);
    const Int4Range range(lowest + shrink, highest - shrink);
    const float error = RoundingError<Vec>(values, depth, range);
    if (error < least) {
      least = error;
      best = range;
    }
  }
  return best;
}

template <typename Vec>
inline void QuantizeToInt4(const float* values, int64_t depth, int64_t column, std::byte* group) {
  const Int4Range range = BestRange<Vec>(values, depth);
  const Vec inverse = Vec::Set1(range.Inverse());
  const Vec min = Vec::Set1(ToFloat(range.min));
  alignas(64) int8_t bytes[kMaxGroupDepth];
  for (int64_t i = 0; i < depth; i += 16) Steps(values + i, min, inverse).Store(bytes + i);
  PlaceHalves(bytes, depth, column, group);
  memcpy(group + GroupBytes(WeightFormat::kInt4, depth) - 64 + column * 4, &range, sizeof(range));
}

template <typename Vec>
inline void QuantizeGroup(WeightFormat format, const float* values, int64_t depth, int64_t column,
                          std::byte* group) {
  if (format == WeightFormat::kInt4) return QuantizeToInt4<Vec>(values, depth, column, group);
  alignas(64) int8_t bytes[kMaxGroupDepth];
  const GroupOfA rounded = RoundGroup<Vec>(values, depth, bytes);
  PlaceBytes(bytes, depth, column, group);
  memcpy(group + GroupBytes(format, depth) - 64 + column * 4, &rounded.scale, sizeof(float));
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_DOT_INT_VECTOR_H_
