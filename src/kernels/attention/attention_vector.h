// The attention task, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_

#include <math.h>
#include <string.h>

#include "kernels/arch/vec_math.h"
#include "kernels/attention/attention_kernels.h"

namespace mao {
namespace {

// Bias rows are written in whole grid rows, so they may start before and end after a chunk.
constexpr int64_t kBiasMargin = kMaxGridSide;

inline const std::byte* Tile(const KvTiles& kv, const std::byte* base, int64_t tile) {
  if (kv.blocks == nullptr) return base + tile * kv.tile_bytes;
  const int64_t block = kv.blocks[tile / kv.tiles_per_block];
  return base + block * kv.block_bytes + tile % kv.tiles_per_block * kv.tile_bytes;
}

// dots[r][t*16 ..] = q_r . keys of kVectors tiles.
template <typename Vec, typename Kv, int kRows, int kVectors>
inline void KeyDots(const AttentionTask& task, int64_t row, int64_t first_tile, int64_t in_chunk,
                    SoftmaxState& state) {
  const Kv* tiles[kVectors];
  for (int t = 0; t < kVectors; ++t) {
    tiles[t] = reinterpret_cast<const Kv*>(Tile(task.kv, task.kv.keys, first_tile + t));
  }
  Vec sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kVectors; ++t) sums[r][t] = Vec::Zero();
  }
  for (int64_t d = 0; d < task.head_dim; ++d) {
    Vec key[kVectors];
    for (int t = 0; t < kVectors; ++t) key[t] = Vec::Load(tiles[t] + d * kKeysPerTile);
    for (int r = 0; r < kRows; ++r) {
      const Vec q = Vec::Set1(task.q[row + r][d]);
      for (int t = 0; t < kVectors; ++t) sums[r][t] = Vec::Fma(q, key[t], sums[r][t]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kVectors; ++t) {
      sums[r][t].Store(state.weights[row + r] + in_chunk + t * kKeysPerTile);
    }
  }
}

template <typename Vec, typename Kv, int kRows>
inline void KeyDotsOfRows(const AttentionTask& task, int64_t row, int64_t first_tile,
                          int64_t num_tiles, SoftmaxState& state) {
  int64_t t = 0;
  // A single row has registers to spare: twice the chains hide the latency of the additions.
  constexpr int kWide = kRows == 1 ? 2 * Vec::kAttentionVectors : Vec::kAttentionVectors;
  for (; t + kWide <= num_tiles; t += kWide) {
    KeyDots<Vec, Kv, kRows, kWide>(task, row, first_tile + t, t * kKeysPerTile, state);
  }
  for (; t + Vec::kAttentionVectors <= num_tiles; t += Vec::kAttentionVectors) {
    KeyDots<Vec, Kv, kRows, Vec::kAttentionVectors>(task, row, first_tile + t, t * kKeysPerTile,
                                                    state);
  }
  for (; t < num_tiles; ++t) {
    KeyDots<Vec, Kv, kRows, 1>(task, row, first_tile + t, t * kKeysPerTile, state);
  }
}

// out[r][d ..] += sum over the chunk's keys of weight * value, for kVectors vectors of channels.
template <typename Vec, typename Kv, int kRows, int kVectors>
inline void AddValues(const AttentionTask& task, int64_t row, int64_t first_key, int64_t num_keys,
                      int64_t d, SoftmaxState& state) {
  Vec sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kVectors; ++i) sums[r][i] = Vec::Load(state.out[row + r] + d + i * 16);
  }
  for (int64_t key = 0; key < num_keys; key += kKeysPerTile) {
    const Kv* tile = reinterpret_cast<const Kv*>(
        Tile(task.kv, task.kv.values, (first_key + key) / kKeysPerTile));
    const int64_t left = num_keys - key;
    const int64_t keys_here = left < kKeysPerTile ? left : kKeysPerTile;
    for (int64_t k = 0; k < keys_here; ++k) {
      Vec value[kVectors];
      for (int i = 0; i < kVectors; ++i)
        value[i] = Vec::Load(tile + k * task.head_dim + d + i * 16);
      for (int r = 0; r < kRows; ++r) {
        const Vec weight = Vec::Set1(state.weights[row + r][key + k]);
        for (int i = 0; i < kVectors; ++i) sums[r][i] = Vec::Fma(weight, value[i], sums[r][i]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kVectors; ++i) sums[r][i].Store(state.out[row + r] + d + i * 16);
  }
}

template <typename Vec, typename Kv, int kRows>
inline void AddValuesOfRows(const AttentionTask& task, int64_t row, int64_t first_key,
                            int64_t num_keys, SoftmaxState& state) {
  int64_t d = 0;
  constexpr int kWide = kRows == 1 ? 2 * Vec::kAttentionVectors : Vec::kAttentionVectors;
  for (; d + 16 * kWide <= task.head_dim; d += 16 * kWide) {
    AddValues<Vec, Kv, kRows, kWide>(task, row, first_key, num_keys, d, state);
  }
  for (; d + 16 * Vec::kAttentionVectors <= task.head_dim; d += 16 * Vec::kAttentionVectors) {
    AddValues<Vec, Kv, kRows, Vec::kAttentionVectors>(task, row, first_key, num_keys, d, state);
  }
  for (; d < task.head_dim; d += 16) {
    AddValues<Vec, Kv, kRows, 1>(task, row, first_key, num_keys, d, state);
  }
}

// One side of the relative positions of one row: target[j] = q . table[place - j + side - 1].
template <typename Vec>
inline void RelativeSide(const float* q, int64_t head_dim, const float* packed, int64_t side,
                         int64_t place, float* target) {
  const int64_t stride = static_cast<int64_t>(RelativeTableElements(side, 1));
  const float* first = packed + (side - 1 - place);
  for (int64_t j = 0; j < side; j += 16) {
    Vec sum = Vec::Zero();
    for (int64_t d = 0; d < head_dim; ++d) {
      sum = Vec::Fma(Vec::Set1(q[d]), Vec::Load(first + d * stride + j), sum);
    }
    sum.Store(target + j);
  }
}

// weights = scale * dots (+ bias) for the keys [first_key, first_key + num_keys) of one row.
template <typename Vec>
inline void ScaleAndBias(const AttentionTask& task, int64_t row, int64_t first_key,
                         int64_t num_keys, SoftmaxState& state) {
  float* weights = state.weights[row];
  const Vec scale = Vec::Set1(task.scale);
  if (task.relative == nullptr) {
    for (int64_t i = 0; i < num_keys; i += 16) (Vec::Load(weights + i) * scale).Store(weights + i);
    return;
  }
  alignas(64) float bias[kBiasMargin + kKeysPerChunk + kBiasMargin + 16];
  const int64_t side = task.relative->side;
  for (int64_t y = first_key / side; y * side < first_key + num_keys; ++y) {
    const Vec row_bias = Vec::Set1(state.row_bias[row][y]);
    float* target = bias + kBiasMargin + y * side - first_key;
    for (int64_t x = 0; x < side; x += 16) {
      (Vec::Load(state.col_bias[row] + x) + row_bias).Store(target + x);
    }
  }
  for (int64_t i = 0; i < num_keys; i += 16) {
    Vec::Fma(scale, Vec::Load(weights + i), Vec::Load(bias + kBiasMargin + i)).Store(weights + i);
  }
}

// Turns the logits of one row into weights relative to the new maximum; keys beyond num_keys get 0.
template <typename Vec>
inline void UpdateSoftmax(const AttentionTask& task, int64_t row, int64_t num_keys,
                          int64_t padded_keys, SoftmaxState& state) {
  float* weights = state.weights[row];
  const int64_t end = (num_keys + 15) / 16 * 16;
  for (int64_t i = num_keys; i < end; ++i) weights[i] = -INFINITY;
  Vec max = Vec::Set1(state.max[row]);
  for (int64_t i = 0; i < end; i += 16) max = Vec::Max(max, Vec::Load(weights + i));
  const float new_max = max.MaxLane();
  const Vec offset = Vec::Set1(new_max);
  Vec sum = Vec::Zero();
  for (int64_t i = 0; i < end; i += 16) {
    Exp(Vec::Load(weights + i) - offset).Store(weights + i);
    for (int64_t j = num_keys > i ? num_keys : i; j < i + 16 && i + 16 > num_keys; ++j) {
      weights[j] = 0.0f;
    }
    sum = sum + Vec::Load(weights + i);
  }
  for (int64_t i = end; i < padded_keys; ++i) weights[i] = 0.0f;
  if (new_max > state.max[row]) {
    // The first chunk scales zeros: exp of a large negative number, never of a NaN.
    alignas(64) float lanes[16];
    Exp(Vec::Set1(state.max[row] - new_max)).Store(lanes);
    state.sum[row] *= lanes[0];
    const Vec correction = Vec::Set1(lanes[0]);
    for (int64_t d = 0; d < task.head_dim; d += 16) {
      (Vec::Load(state.out[row] + d) * correction).Store(state.out[row] + d);
    }
    state.max[row] = new_max;
  }
  state.sum[row] += sum.Sum();
}

// num_keys: of the row that sees most of the chunk.
template <typename Vec>
inline void SoftmaxChunk(const AttentionTask& task, int64_t first_row, int64_t first_key,
                         int64_t num_keys, SoftmaxState& state) {
  const int64_t padded_keys = (num_keys + kKeysPerTile - 1) / kKeysPerTile * kKeysPerTile;
  for (int64_t row = first_row; row < task.num_rows; ++row) {
    const int64_t left = task.num_keys[row] - first_key;
    const int64_t own_keys = left < num_keys ? left : num_keys;
    ScaleAndBias<Vec>(task, row, first_key, own_keys, state);
    UpdateSoftmax<Vec>(task, row, own_keys, padded_keys, state);
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
  for (; row + Vec::kAttentionRows <= task.num_rows; row += Vec::kAttentionRows) {
    KeyDotsOfRows<Vec, Kv, Vec::kAttentionRows>(task, row, first_tile, num_tiles, state);
  }
  for (; row < task.num_rows; ++row) {
    KeyDotsOfRows<Vec, Kv, 1>(task, row, first_tile, num_tiles, state);
  }
  SoftmaxChunk<Vec>(task, first_row, first_key, num_keys, state);
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
    if (task.relative != nullptr) {
      const int64_t side = task.relative->side;
      RelativeSide<Vec>(task.q[r], task.head_dim, task.relative->rows, side,
                        task.grid_index[r] / side, state.row_bias[r]);
      RelativeSide<Vec>(task.q[r], task.head_dim, task.relative->cols, side,
                        task.grid_index[r] % side, state.col_bias[r]);
    }
  }
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

template <typename Vec, typename Kv>
inline void AttendTyped(const AttentionTask& task) {
  SoftmaxState state;
  BeginRows<Vec>(task, state);
  int64_t first_row = 0;  // rows before it have seen all their keys
  for (int64_t first_key = 0; first_key < task.num_keys[task.num_rows - 1];
       first_key += kKeysPerChunk) {
    while (task.num_keys[first_row] <= first_key) ++first_row;
    AttendChunk<Vec, Kv>(task, first_row, first_key, state);
  }
  EndRows<Vec>(task, state);
}

template <typename Vec>
inline void Attend(const AttentionTask& task) {
  if (task.kv.dtype == DType::kBF16) {
    AttendTyped<Vec, BFloat16>(task);
  } else {
    AttendTyped<Vec, float>(task);
  }
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_
