// The attention task, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_VECTOR_H_

#include <math.h>
#include <string.h>

#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/arch/vec_math.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/attention/kv_products.h"

namespace mao {
namespace {

// tiles_at(t) = {keys of tile t, what to prefetch meanwhile}; the products of the tiles
// [first_tile, last_tile) go to target on, 16 for each.
template <typename Vec, typename Kv, int kRows, typename TilesAt>
inline void KeyDotsOfTiles(const AttentionTask& task, int64_t row, int64_t first_tile,
                           int64_t last_tile, float* target, int64_t stride, bool adds,
                           const TilesAt& tiles_at) {
  using Products = KvProducts<Vec, Kv>;
  const auto run = [&](auto vectors, int64_t t) {
    KeyTiles<vectors> keys;
    for (int i = 0; i < vectors; ++i) {
      std::tie(keys.tile[i], keys.ahead[i]) = tiles_at(t + i);
    }
    keys.target = target + (t - first_tile) * kKeysPerTile;
    keys.stride = stride;
    keys.adds = adds;
    Products::template KeyDots<kRows, vectors>(task, row, keys);
  };
  int64_t t = first_tile;
  // A single row has registers to spare: twice the chains hide the latency of the additions.
  constexpr int kWide = kRows == 1 ? 2 * Products::kVectors : Products::kVectors;
  for (; t + kWide <= last_tile; t += kWide) run(std::integral_constant<int, kWide>(), t);
  for (; t < last_tile; ++t) run(std::integral_constant<int, 1>(), t);
}

template <typename Vec, typename Kv, int kRows>
inline void KeyDotsOfRows(const AttentionTask& task, int64_t row, int64_t first_tile,
                          int64_t num_tiles, SoftmaxState& state) {
  constexpr int64_t kStride = sizeof(state.weights[0]) / sizeof(float);
  KeyDotsOfTiles<Vec, Kv, kRows>(task, row, first_tile, first_tile + num_tiles, state.weights[row],
                                 kStride, task.relative != nullptr, [&task](int64_t t) {
                                   return std::pair(Tile(task.kv, task.kv.keys, t),
                                                    Tile(task.kv, task.kv.values, t));
                                 });
}

// The tiles of a table of relative positions that rows [first_row, last_row) need.
struct TableTiles {
  int64_t first;
  int64_t last;
};
template <typename PlaceOf>
inline TableTiles TilesOfTable(const AttentionTask& task, int64_t first_row, int64_t last_row,
                               const PlaceOf& place_of) {
  const int64_t side = task.relative->side;
  int64_t least = side;
  int64_t most = 0;
  for (int64_t row = first_row; row < last_row; ++row) {
    const int64_t place = place_of(task.grid_index[row]);
    least = place < least ? place : least;
    most = place > most ? place : most;
  }
  return {(side - 1 - most) / kKeysPerTile, (2 * side - 2 - least) / kKeysPerTile + 1};
}
// Both tables: multiply(table, tiles, products of the first of the rows).
template <typename Multiply>
inline void ForBothTables(const AttentionTask& task, int64_t first_row, int64_t last_row,
                          SoftmaxState& state, const Multiply& multiply) {
  const int64_t side = task.relative->side;
  multiply(task.relative->rows,
           TilesOfTable(task, first_row, last_row, [side](int64_t at) { return at / side; }),
           state.row_dots[first_row]);
  multiply(task.relative->cols,
           TilesOfTable(task, first_row, last_row, [side](int64_t at) { return at % side; }),
           state.col_dots[first_row]);
}
constexpr int64_t kTableDotsStride = sizeof(SoftmaxState::row_dots[0]) / sizeof(float);

template <typename Vec, typename Kv, int kRows>
inline void TableDotsOfRows(const AttentionTask& task, int64_t row, SoftmaxState& state) {
  ForBothTables(
      task, row, row + kRows, state, [&](const std::byte* table, TableTiles tiles, float* dots) {
        KeyDotsOfTiles<Vec, Kv, kRows>(task, row, tiles.first, tiles.last,
                                       dots + tiles.first * kKeysPerTile, kTableDotsStride,
                                       /*adds=*/false, [&](int64_t t) {
                                         const std::byte* tile = table + t * task.kv.tile_bytes;
                                         return std::pair(tile, tile);
                                       });
      });
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

// The logits of a chunk begin as the biases of its keys. num_keys: up to the end of the chunk.
template <typename Vec>
inline void BeginLogits(const AttentionTask& task, int64_t row, int64_t first_key, int64_t num_keys,
                        SoftmaxState& state) {
  const int64_t side = task.relative->side;
  const float* row_biases = state.row_dots[row] + side - 1 - task.grid_index[row] / side;
  const float* col_biases = state.col_dots[row] + side - 1 - task.grid_index[row] % side;
  float* logits = state.weights[row];
  int64_t y = first_key / side;
  int64_t x = first_key % side;  // the chunk may begin and end within a row of the grid
  for (int64_t key = 0; key < num_keys; ++y, x = 0) {
    const Vec row_bias = Vec::Set1(row_biases[y]);
    const float* col_bias = col_biases + x - key;
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

inline void BeginRows(const AttentionTask& task, SoftmaxState& state) {
  for (int64_t r = 0; r < task.num_rows; ++r) {
    state.max[r] = -1e30f;  // below every logit, yet finite: differences stay numbers
    state.sum[r] = 0.0f;
    memset(state.out[r], 0, static_cast<size_t>(task.head_dim) * sizeof(float));
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
  BeginRows(task, state);
  if (task.relative != nullptr) {
    int64_t row = 0;
    for (; row + Vec::kAttentionRows <= task.num_rows; row += Vec::kAttentionRows) {
      TableDotsOfRows<Vec, Kv, Vec::kAttentionRows>(products, row, state);
    }
    for (; row < task.num_rows; ++row) TableDotsOfRows<Vec, Kv, 1>(products, row, state);
  }
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
