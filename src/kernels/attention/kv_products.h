// The products of attention with keys and with values, by vectors, instantiated once per
// instruction set: plain for kF32 tiles, rounded as attention.h says for kBF16 tiles.
#ifndef MAOOCR_KERNELS_ATTENTION_KV_PRODUCTS_H_
#define MAOOCR_KERNELS_ATTENTION_KV_PRODUCTS_H_

#include "kernels/attention/attention_kernels.h"

namespace mao {
namespace {

inline const std::byte* Tile(const KvTiles& kv, const std::byte* base, int64_t tile) {
  if (kv.blocks == nullptr) return base + tile * kv.tile_bytes;
  const int64_t block = kv.blocks[tile / kv.tiles_per_block];
  return base + block * kv.block_bytes + tile % kv.tiles_per_block * kv.tile_bytes;
}

// Where KeyDots finds kVectors tiles of keys, and where products go: those of row r with tile t to
// target + r * stride + t * 16. `adds`: to what stands there.
template <int kVectors>
struct KeyTiles {
  const std::byte* tile[kVectors];
  const std::byte* ahead[kVectors];  // of the same size, to prefetch
  float* target;
  int64_t stride;
  bool adds;
};

// KeyDots: q_r . keys of kVectors tiles, for kRows rows.
// AddValues: out[r][d ..] += sum over the chunk's keys of weight * value, for kVectors vectors of
// channels. Neither reads a value beyond num_keys.
template <typename Vec, typename Kv>
struct KvProducts;

template <typename Vec>
struct KvProducts<Vec, float> {
  static constexpr int kVectors = Vec::kAttentionVectors;

  template <int kRows, int kVectors>
  static void KeyDots(const AttentionTask& task, int64_t row, const KeyTiles<kVectors>& keys) {
    const float* tiles[kVectors];
    for (int t = 0; t < kVectors; ++t) tiles[t] = reinterpret_cast<const float*>(keys.tile[t]);
    Vec sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int t = 0; t < kVectors; ++t) {
        sums[r][t] =
            keys.adds ? Vec::Load(keys.target + r * keys.stride + t * kKeysPerTile) : Vec::Zero();
      }
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
        sums[r][t].Store(keys.target + r * keys.stride + t * kKeysPerTile);
      }
    }
  }

  template <int kRows, int kVectors>
  static void AddValues(const AttentionTask& task, int64_t row, int64_t first_key, int64_t num_keys,
                        int64_t d, SoftmaxState& state) {
    Vec sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kVectors; ++i) sums[r][i] = Vec::Load(state.out[row + r] + d + i * 16);
    }
    for (int64_t key = 0; key < num_keys; key += kKeysPerTile) {
      const auto* tile = reinterpret_cast<const float*>(
          Tile(task.kv, task.kv.values, (first_key + key) / kKeysPerTile));
      const int64_t left = num_keys - key;
      const int64_t keys_here = left < kKeysPerTile ? left : kKeysPerTile;
      for (int64_t k = 0; k < keys_here; ++k) {
        Vec value[kVectors];
        for (int i = 0; i < kVectors; ++i) {
          value[i] = Vec::Load(tile + k * task.head_dim + d + i * 16);
        }
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
};

// Queries and weights hold rounded values.
template <typename Vec>
struct KvProducts<Vec, BFloat16> {
  // Two sums for each output take twice the registers.
  static constexpr int kVectors = (Vec::kAttentionVectors + 1) / 2;

  template <int kRows, int kVectors>
  static void KeyDots(const AttentionTask& task, int64_t row, const KeyTiles<kVectors>& keys) {
    const BFloat16* tiles[kVectors];
    for (int t = 0; t < kVectors; ++t) tiles[t] = reinterpret_cast<const BFloat16*>(keys.tile[t]);
    Vec total[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int t = 0; t < kVectors; ++t) {
        total[r][t] =
            keys.adds ? Vec::Load(keys.target + r * keys.stride + t * kKeysPerTile) : Vec::Zero();
      }
    }
    for (int64_t first = 0; first < task.head_dim; first += kDotBlockDepth) {
      const int64_t left = task.head_dim - first;
      const int64_t depth = left < kDotBlockDepth ? left : kDotBlockDepth;
      Vec even[kRows][kVectors];
      Vec odd[kRows][kVectors];
      for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kVectors; ++t) even[r][t] = odd[r][t] = Vec::Zero();
      }
      for (int64_t d = first; d < first + depth; d += 2) {
        Vec key_even[kVectors];
        Vec key_odd[kVectors];
        for (int t = 0; t < kVectors; ++t) {
          Vec::LoadPairs(tiles[t] + d * kKeysPerTile, key_even[t], key_odd[t]);
          // A decoding step waits for memory: the values come while the keys are multiplied.
          if (kRows == 1) __builtin_prefetch(keys.ahead[t] + d * kKeysPerTile * 2, 0, 2);
        }
        for (int r = 0; r < kRows; ++r) {
          const Vec q_even = Vec::Set1(task.q[row + r][d]);
          const Vec q_odd = Vec::Set1(task.q[row + r][d + 1]);
          for (int t = 0; t < kVectors; ++t) {
            even[r][t] = Vec::Fma(q_even, key_even[t], even[r][t]);
            odd[r][t] = Vec::Fma(q_odd, key_odd[t], odd[r][t]);
          }
        }
      }
      for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kVectors; ++t) total[r][t] = total[r][t] + (even[r][t] + odd[r][t]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int t = 0; t < kVectors; ++t) {
        total[r][t].Store(keys.target + r * keys.stride + t * kKeysPerTile);
      }
    }
  }

  template <int kRows, int kVectors>
  static void AddValues(const AttentionTask& task, int64_t row, int64_t first_key, int64_t num_keys,
                        int64_t d, SoftmaxState& state) {
    constexpr int64_t kPanelElements = kKeysPerTile * 16;
    Vec total[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kVectors; ++i) total[r][i] = Vec::Load(state.out[row + r] + d + i * 16);
    }
    for (int64_t key = 0; key < num_keys; key += kKeysPerTile) {
      const int64_t tile = (first_key + key) / kKeysPerTile;
      const auto* panels =
          reinterpret_cast<const BFloat16*>(Tile(task.kv, task.kv.values, tile)) + d * kKeysPerTile;
      const bool has_next =
          kRows == 1 && first_key + key + kKeysPerChunk < task.num_keys[task.num_rows - 1];
      const std::byte* ahead =
          Tile(task.kv, task.kv.keys, has_next ? tile + kKeysPerChunk / kKeysPerTile : tile) +
          d * kKeysPerTile * 2;
      const int64_t left = num_keys - key;
      const int64_t keys_here = left < kKeysPerTile ? left : kKeysPerTile;
      Vec even[kRows][kVectors];
      Vec odd[kRows][kVectors];
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < kVectors; ++i) even[r][i] = odd[r][i] = Vec::Zero();
      }
      for (int64_t k = 0; k < keys_here; k += 2) {
        Vec value_even[kVectors];
        Vec value_odd[kVectors];
        for (int i = 0; i < kVectors; ++i) {
          Vec::LoadPairs(panels + i * kPanelElements + k * 16, value_even[i], value_odd[i]);
          if (k + 1 == keys_here) value_odd[i] = Vec::Zero();  // beyond the last key
          if (kRows == 1) {
            __builtin_prefetch(ahead + (i * kPanelElements + k * 16) * 2, 0, 2);
          }
        }
        for (int r = 0; r < kRows; ++r) {
          const Vec weight_even = Vec::Set1(state.weights[row + r][key + k]);
          const Vec weight_odd = Vec::Set1(state.weights[row + r][key + k + 1]);
          for (int i = 0; i < kVectors; ++i) {
            even[r][i] = Vec::Fma(weight_even, value_even[i], even[r][i]);
            odd[r][i] = Vec::Fma(weight_odd, value_odd[i], odd[r][i]);
          }
        }
      }
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < kVectors; ++i) total[r][i] = total[r][i] + (even[r][i] + odd[r][i]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kVectors; ++i) total[r][i].Store(state.out[row + r] + d + i * 16);
    }
  }
};

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_KV_PRODUCTS_H_
