// The attention task, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_

#include <math.h>
#include <string.h>

#include <type_traits>

#include "kernels/arch/vec_math.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/attention/kv_products.h"

namespace mao {
namespace {

constexpr float kLog2E = 1.44269504f;  // weights are powers of two

template <typename Vec, typename Kv, int kRows>
inline void KeyDotsOfRows(const AttentionTask& task, int64_t row, int64_t first_tile,
                          int64_t num_tiles, SoftmaxState& state) {
  using Products = KvProducts<Vec, Kv>;
  int64_t t = 0;
  // A single row has registers to spare: twice the chains hide the latency of the additions.
  constexpr int kWide = kRows == 1 ? 2 * Products::kVectors : Products::kVectors;
  for (; t + kWide <= num_tiles; t += kWide) {
    Products::template KeyDots<kRows, kWide>(task, row, first_tile + t, t * kKeysPerTile, state);
  }
  for (; t < num_tiles; ++t) {
    Products::template KeyDots<kRows, 1>(task, row, first_tile + t, t * kKeysPerTile, state);
  }
}

template <typename Vec, typename Kv, int kRows>
inline void AddValuesOfRows(const AttentionTask& task, int64_t row, int64_t first_key,
                            int64_t num_keys, SoftmaxState& state) {
  using Products = KvProducts<Vec, Kv>;
  int64_t d = 0;
  constexpr int kWide = kRows == 1 ? 2 * Products::kVectors : Products::kVectors;
  for (; d + 16 * kWide <= task.head_dim; d += 16 * kWide) {
    Products::template AddValues<kRows, kWide>(task, row, first_key, num_keys, d, state);
  }
  for (; d < task.head_dim; d += 16) {
    Products::template AddValues<kRows, 1>(task, row, first_key, num_keys, d, state);
  }
}

// Relative positions of one query row for kVectors vectors of grid rows and as many of grid columns:
// target[j] = factor * q . table[place - j + side - 1]. Both at once, as each is one chain of
// additions.
template <typename Vec, int kVectors>
inline void RelativeVectors(const float* q, int64_t head_dim, int64_t stride, const float* rows,
                            const float* cols, float factor, float* row_target, float* col_target) {
  Vec row_sums[kVectors];
  Vec col_sums[kVectors];
  for (int i = 0; i < kVectors; ++i) row_sums[i] = col_sums[i] = Vec::Zero();
  for (int64_t d = 0; d < head_dim; ++d) {
    const Vec value = Vec::Set1(q[d]);
    for (int i = 0; i < kVectors; ++i) {
      row_sums[i] = Vec::Fma(value, Vec::Load(rows + d * stride + i * 16), row_sums[i]);
      col_sums[i] = Vec::Fma(value, Vec::Load(cols + d * stride + i * 16), col_sums[i]);
    }
  }
  for (int i = 0; i < kVectors; ++i) {
    (row_sums[i] * Vec::Set1(factor)).Store(row_target + i * 16);
    (col_sums[i] * Vec::Set1(factor)).Store(col_target + i * 16);
  }
}

template <typename Vec>
inline void RelativeBias(const AttentionTask& task, int64_t r, SoftmaxState& state) {
  const RelativePositions& relative = *task.relative;
  const int64_t side = relative.side;
  const auto stride = static_cast<int64_t>(RelativeTableElements(side, 1));
  const float* rows = relative.rows + (side - 1 - task.grid_index[r] / side);
  const float* cols = relative.cols + (side - 1 - task.grid_index[r] % side);
  const float factor = 1.0f / task.scale;  // logits are scaled later
  constexpr int64_t kStep = 16 * Vec::kAttentionVectors;
  int64_t j = 0;
  for (; j + kStep <= side; j += kStep) {
    RelativeVectors<Vec, Vec::kAttentionVectors>(task.q[r], task.head_dim, stride, rows + j,
                                                 cols + j, factor, state.row_bias[r] + j,
                                                 state.col_bias[r] + j);
  }
  for (; j < side; j += 16) {
    RelativeVectors<Vec, 1>(task.q[r], task.head_dim, stride, rows + j, cols + j, factor,
                            state.row_bias[r] + j, state.col_bias[r] + j);
  }
}

// The logits of a chunk begin as the biases of its keys. num_keys: up to the end of the chunk.
template <typename Vec>
inline void BeginLogits(const AttentionTask& task, int64_t row, int64_t first_key, int64_t num_keys,
                        SoftmaxState& state) {
  const int64_t side = task.relative->side;
  float* logits = state.weights[row];
  int64_t y = first_key / side;
  int64_t x = first_key % side;  // the chunk may begin and end within a row of the grid
  for (int64_t key = 0; key < num_keys; ++y, x = 0) {
    const Vec row_bias = Vec::Set1(state.row_bias[row][y]);
    const float* col_bias = state.col_bias[row] + x - key;
    const int64_t end = key + side - x < num_keys ? key + side - x : num_keys;
    for (int64_t i = key; i < end; i += 16) (row_bias + Vec::Load(col_bias + i)).Store(logits + i);
    key = end;
  }
}

// The largest logit of a row and of the chunks before; the lanes behind its last key become
// -infinity.
template <typename Vec>
inline float MaxLogit(int64_t row, int64_t num_keys, SoftmaxState& state) {
  float* logits = state.weights[row];
  for (int64_t i = num_keys; i % 16 != 0; ++i) logits[i] = -INFINITY;
  Vec max = Vec::Set1(state.max[row]);
  for (int64_t i = 0; i < num_keys; i += 16) max = Vec::Max(max, Vec::Load(logits + i));
  return max.MaxLane();
}

// Turns the logits of one row into weights relative to the new maximum and gives them to
// store(row, first of 16 keys, weights); keys from num_keys up to padded_keys get 0.
template <typename Vec, typename Store>
inline void UpdateSoftmax(const AttentionTask& task, int64_t row, int64_t num_keys,
                          int64_t padded_keys, float new_max, SoftmaxState& state,
                          const Store& store) {
  const float* logits = state.weights[row];
  const float scale = task.scale * kLog2E;
  const float offset = new_max * scale;
  const Vec scales = Vec::Set1(scale);
  const Vec offsets = Vec::Set1(-offset);
  Vec sum = Vec::Zero();
  const int64_t whole = num_keys / 16 * 16;
  for (int64_t i = 0; i < whole; i += 16) {
    const Vec weight = Exp2(Vec::Fma(Vec::Load(logits + i), scales, offsets));
    sum = sum + weight;
    store(row, i, weight);
  }
  for (int64_t i = whole; i < padded_keys; i += 16) {
    alignas(64) float lanes[16] = {};
    if (i < num_keys) {
      Exp2(Vec::Fma(Vec::Load(logits + i), scales, offsets)).Store(lanes);
      for (int64_t j = num_keys - i; j < 16; ++j) lanes[j] = 0.0f;
      sum = sum + Vec::Load(lanes);
    }
    store(row, i, Vec::Load(lanes));
  }
  if (new_max > state.max[row]) {
    // The first chunk scales zeros: 2^x of a large negative number, never of a NaN.
    alignas(64) float lanes[16];
    Exp2(Vec::Set1(state.max[row] * scale - offset)).Store(lanes);
    state.sum[row] *= lanes[0];
    const Vec correction = Vec::Set1(lanes[0]);
    for (int64_t d = 0; d < task.head_dim; d += 16) {
      (Vec::Load(state.out[row] + d) * correction).Store(state.out[row] + d);
    }
    state.max[row] = new_max;
  }
  state.sum[row] += sum.Sum();
}

// Rows [first_row, last_row), each of which sees at least one of the chunk's num_keys keys.
// after_row() follows each row's weights.
template <typename Vec, typename Store, typename AfterRow>
inline void SoftmaxChunk(const AttentionTask& task, int64_t first_row, int64_t last_row,
                         int64_t first_key, int64_t num_keys, SoftmaxState& state,
                         const Store& store, const AfterRow& after_row) {
  const int64_t padded_keys = (num_keys + kKeysPerTile - 1) / kKeysPerTile * kKeysPerTile;
  const auto own_keys = [&](int64_t row) {
    const int64_t left = task.num_keys[row] - first_key;
    return left < num_keys ? left : num_keys;
  };
  // Two passes: while one row waits for its maximum or its sum, the next ones are computed.
  float max[kMaxQueryRows];
  for (int64_t row = first_row; row < last_row; ++row) {
    max[row] = MaxLogit<Vec>(row, own_keys(row), state);
  }
  for (int64_t row = first_row; row < last_row; ++row) {
    UpdateSoftmax<Vec>(task, row, own_keys(row), padded_keys, max[row], state, store);
    after_row();
  }
}

// n floats rounded to bfloat16, as floats.
template <typename Vec>
inline void RoundValues(const float* source, int64_t n, float* target) {
  for (int64_t i = 0; i < n; i += 16) {
    Vec::RoundToBFloat16(Vec::Load(source + i)).Store(target + i);
  }
}

template <typename Vec, typename Kv>
inline void AttendChunk(const AttentionTask& task, int64_t first_row, int64_t first_key,
                        SoftmaxState& state) {
  const int64_t most = task.num_keys[task.num_rows - 1] - first_key;
  const int64_t num_keys = most < kKeysPerChunk ? most : kKeysPerChunk;
  const int64_t num_tiles = (num_keys + kKeysPerTile - 1) / kKeysPerTile;
  const int64_t first_tile = first_key / kKeysPerTile;
  int64_t row = first_row;
  if (task.relative != nullptr) {
    for (; row < task.num_rows; ++row) BeginLogits<Vec>(task, row, first_key, num_keys, state);
    row = first_row;
  }
  for (; row + Vec::kAttentionRows <= task.num_rows; row += Vec::kAttentionRows) {
    KeyDotsOfRows<Vec, Kv, Vec::kAttentionRows>(task, row, first_tile, num_tiles, state);
  }
  for (; row < task.num_rows; ++row) {
    KeyDotsOfRows<Vec, Kv, 1>(task, row, first_tile, num_tiles, state);
  }
  SoftmaxChunk<Vec>(
      task, first_row, task.num_rows, first_key, num_keys, state,
      [&state](int64_t r, int64_t i, Vec weight) {
        constexpr bool kRounded = std::is_same_v<Kv, BFloat16>;
        (kRounded ? Vec::RoundToBFloat16(weight) : weight).Store(state.weights[r] + i);
      },
      [] {});
  row = first_row;
  for (; row + Vec::kAttentionRows <= task.num_rows; row += Vec::kAttentionRows) {
    AddValuesOfRows<Vec, Kv, Vec::kAttentionRows>(task, row, first_key, num_keys, state);
  }
  for (; row < task.num_rows; ++row) {
    AddValuesOfRows<Vec, Kv, 1>(task, row, first_key, num_keys, state);
  }
}

template <typename Vec>
inline void BeginRows(const AttentionTask& task, SoftmaxState& state) {
  for (int64_t r = 0; r < task.num_rows; ++r) {
    state.max[r] = -1e30f;  // below every logit, yet finite: differences stay numbers
    state.sum[r] = 0.0f;
    memset(state.out[r], 0, static_cast<size_t>(task.head_dim) * sizeof(float));
    if (task.relative != nullptr) RelativeBias<Vec>(task, r, state);
  }
}

// The values of two tokens, channel by channel beside each other: a row of each panel of a tile.
template <typename Vec>
inline void PackValuePair(const float* first, const float* second, int64_t head_dim,
                          BFloat16* target) {
  for (int64_t d = 0; d < head_dim; d += 16, target += 16 * kKeysPerTile) {
    Vec::StorePairs(target, Vec::Load(first + d), Vec::Load(second + d));
  }
}

template <typename Vec>
inline void RoundRow(const float* source, int64_t n, BFloat16* target) {
  for (int64_t i = 0; i < n; i += 16) Vec::Load(source + i).Store(target + i);
}

template <typename Vec>
inline void EndRows(const AttentionTask& task, const SoftmaxState& state) {
  for (int64_t r = 0; r < task.num_rows; ++r) {
    const Vec inverse = Vec::Set1(1.0f / state.sum[r]);
    for (int64_t d = 0; d < task.head_dim; d += 16) {
      (Vec::Load(state.out[r] + d) * inverse).Store(task.out[r] + d);
    }
  }
}

// products: the task with the queries that meet the keys.
template <typename Vec, typename Kv>
inline void AttendTyped(const AttentionTask& task, const AttentionTask& products) {
  SoftmaxState state;
  BeginRows<Vec>(task, state);
  int64_t first_row = 0;  // rows before it have seen all their keys
  for (int64_t first_key = 0; first_key < task.num_keys[task.num_rows - 1];
       first_key += kKeysPerChunk) {
    while (task.num_keys[first_row] <= first_key) ++first_row;
    AttendChunk<Vec, Kv>(products, first_row, first_key, state);
  }
  EndRows<Vec>(task, state);
}

template <typename Vec>
inline void Attend(const AttentionTask& task) {
  if (task.kv.dtype != DType::kBF16) return AttendTyped<Vec, float>(task, task);
  alignas(64) float rounded[kMaxQueryRows][kMaxHeadDim];
  AttentionTask products = task;
  for (int64_t r = 0; r < task.num_rows; ++r) {
    RoundValues<Vec>(task.q[r], task.head_dim, rounded[r]);
    products.q[r] = rounded[r];
  }
  AttendTyped<Vec, BFloat16>(task, products);
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_
