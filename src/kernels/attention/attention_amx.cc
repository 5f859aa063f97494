// The attention task over bfloat16 tiles of keys and values on AMX tiles.
#include <immintrin.h>
#include <string.h>

#include "kernels/arch/amx_tiles.h"
#include "kernels/arch/vec_avx512.h"
#include "kernels/attention/attention_vector.h"

namespace mao {
namespace {

using Vec = VecAvx512;

constexpr int64_t kTilesPerChunk = kKeysPerChunk / kKeysPerTile;
constexpr int64_t kMaxRowTiles = kMaxQueryRows / kTileRows;
constexpr int64_t kWeightTileElements = kTileRows * kKeysPerTile;
constexpr int64_t kValuePanelElements = kKeysPerTile * 16;

// Queries as tiles of 16 rows x 32 channels; rows that are missing are zero.
struct QueryTiles {
  alignas(64) BFloat16 tile[kMaxRowTiles][kMaxHeadDim / kDotBlockDepth][kDotTileElements];

  explicit QueryTiles(const AttentionTask& task) {
    const int64_t num_rows = (task.num_rows + kTileRows - 1) / kTileRows * kTileRows;
    for (int64_t r = 0; r < num_rows; ++r) {
      for (int64_t d = 0; d < task.head_dim; d += kDotBlockDepth) {
        BFloat16* target = tile[r / kTileRows][d / kDotBlockDepth] + r % kTileRows * kDotBlockDepth;
        if (r >= task.num_rows) {
          memset(target, 0, kDotBlockDepth * sizeof(BFloat16));
          continue;
        }
        const float* q = task.q[r] + d;
        const __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(q + 16), _mm512_loadu_ps(q));
        _mm512_store_si512(target, reinterpret_cast<__m512i>(pair));
      }
    }
  }
};

// The dot products of kRowTiles * 16 rows with kKeyTiles tiles of keys.
template <int kRowTiles, int kKeyTiles>
inline void MultiplyKeys(const AttentionTask& task, const QueryTiles& queries, int64_t first_tile,
                         int64_t in_chunk, SoftmaxState& state) {
  const std::byte* keys = Tile(task.kv, task.kv.keys, first_tile);
  const std::byte* keys1 = kKeyTiles == 2 ? Tile(task.kv, task.kv.keys, first_tile + 1) : nullptr;
  _tile_zero(0);
  if (kKeyTiles == 2) _tile_zero(1);
  if (kRowTiles == 2) _tile_zero(2);
  if (kRowTiles == 2 && kKeyTiles == 2) _tile_zero(3);
  for (int64_t i = 0; i < task.head_dim / kDotBlockDepth; ++i) {
    _tile_loadd(4, queries.tile[0][i], 64);
    _tile_loadd(6, keys + i * kDotTileElements * 2, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (kKeyTiles == 2) {
      _tile_loadd(7, keys1 + i * kDotTileElements * 2, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (kRowTiles == 2) {
      _tile_loadd(5, queries.tile[1][i], 64);
      _tile_dpbf16ps(2, 5, 6);
    }
    if (kRowTiles == 2 && kKeyTiles == 2) _tile_dpbf16ps(3, 5, 7);
  }
  constexpr int kStride = sizeof(state.weights[0]);
  _tile_stored(0, state.weights[0] + in_chunk, kStride);
  if (kKeyTiles == 2) _tile_stored(1, state.weights[0] + in_chunk + kKeysPerTile, kStride);
  if (kRowTiles == 2) _tile_stored(2, state.weights[kTileRows] + in_chunk, kStride);
  if (kRowTiles == 2 && kKeyTiles == 2) {
    _tile_stored(3, state.weights[kTileRows] + in_chunk + kKeysPerTile, kStride);
  }
}

template <int kRowTiles>
inline void MultiplyChunkOfKeys(const AttentionTask& task, const QueryTiles& queries,
                                int64_t first_tile, int64_t num_tiles, SoftmaxState& state) {
  ConfigureTiles();
  int64_t t = 0;
  for (; t + 2 <= num_tiles; t += 2) {
    MultiplyKeys<kRowTiles, 2>(task, queries, first_tile + t, t * kKeysPerTile, state);
  }
  if (t < num_tiles) {
    MultiplyKeys<kRowTiles, 1>(task, queries, first_tile + t, t * kKeysPerTile, state);
  }
  FenceTiles();
}

// Tile 4, 5: weights, 16 rows x 16 keys. Tile 6, 7: values, 16 keys x 16 channels.
inline void ConfigureValueTiles() {
  TileConfig config;
  for (int i = 0; i < 8; ++i) {
    config.row_bytes[i] = i == 4 || i == 5 ? kKeysPerTile * sizeof(BFloat16) : 64;
    config.rows[i] = i < 6 ? kTileRows : kKeysPerTile / 2;
  }
  LoadTileConfig(config);
}

// The weights of a chunk as tiles. Rows before first_row have seen all their keys already.
struct WeightTiles {
  alignas(64) BFloat16 tile[kMaxRowTiles][kTilesPerChunk][kWeightTileElements];

  WeightTiles(const AttentionTask& task, int64_t first_row, int64_t num_tiles,
              const SoftmaxState& state) {
    const int64_t num_rows = (task.num_rows + kTileRows - 1) / kTileRows * kTileRows;
    for (int64_t r = 0; r < num_rows; ++r) {
      for (int64_t t = 0; t < num_tiles; ++t) {
        auto* target =
            reinterpret_cast<__m256i*>(tile[r / kTileRows][t] + r % kTileRows * kKeysPerTile);
        if (r < first_row || r >= task.num_rows) {
          _mm256_store_si256(target, _mm256_setzero_si256());
          continue;
        }
        const __m512 weights = _mm512_load_ps(state.weights[r] + t * kKeysPerTile);
        _mm256_store_si256(target, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(weights)));
      }
    }
  }
};

// The values of a chunk, tile by tile. Nothing may be known of memory beyond the last key, so its
// tile is copied with zeros there.
struct ValueTiles {
  const BFloat16* tile[kTilesPerChunk];
  alignas(64) BFloat16 last[kKeysPerTile * kMaxHeadDim];

  ValueTiles(const AttentionTask& task, int64_t first_tile, int64_t num_keys) {
    for (int64_t t = 0; t * kKeysPerTile < num_keys; ++t) {
      tile[t] = reinterpret_cast<const BFloat16*>(Tile(task.kv, task.kv.values, first_tile + t));
      const int64_t keys_here = num_keys - t * kKeysPerTile;
      if (keys_here >= kKeysPerTile) continue;
      memset(last, 0, static_cast<size_t>(task.head_dim * kKeysPerTile) * sizeof(BFloat16));
      for (int64_t line = 0; line < task.head_dim / 16 * kKeysPerTile / 2; ++line) {
        const int64_t key = line % (kKeysPerTile / 2) * 2;
        const __mmask32 both = key + 1 < keys_here ? 0xFFFFFFFFu : 0x55555555u;
        if (key >= keys_here) continue;
        _mm512_store_si512(last + line * 32, _mm512_maskz_loadu_epi16(both, tile[t] + line * 32));
      }
      tile[t] = last;
    }
  }
};

// out += weights * values for two panels of 16 channels from channel d on.
template <int kRowTiles>
inline void MultiplyValues(const WeightTiles& weights, const ValueTiles& values, int64_t num_tiles,
                           int64_t d, SoftmaxState& state) {
  constexpr int kStride = sizeof(state.out[0]);
  const int64_t panel = d * kKeysPerTile;
  _tile_loadd(0, state.out[0] + d, kStride);
  _tile_loadd(1, state.out[0] + d + 16, kStride);
  if (kRowTiles == 2) {
    _tile_loadd(2, state.out[kTileRows] + d, kStride);
    _tile_loadd(3, state.out[kTileRows] + d + 16, kStride);
  }
  for (int64_t t = 0; t < num_tiles; ++t) {
    _tile_loadd(4, weights.tile[0][t], 32);
    _tile_loadd(6, values.tile[t] + panel, 64);
    _tile_loadd(7, values.tile[t] + panel + kValuePanelElements, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (kRowTiles == 2) {
      _tile_loadd(5, weights.tile[1][t], 32);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, state.out[0] + d, kStride);
  _tile_stored(1, state.out[0] + d + 16, kStride);
  if (kRowTiles == 2) {
    _tile_stored(2, state.out[kTileRows] + d, kStride);
    _tile_stored(3, state.out[kTileRows] + d + 16, kStride);
  }
}

template <int kRowTiles>
inline void AddChunkOfValues(const AttentionTask& task, int64_t first_row, int64_t first_tile,
                             int64_t num_keys, SoftmaxState& state) {
  const int64_t num_tiles = (num_keys + kKeysPerTile - 1) / kKeysPerTile;
  const WeightTiles weights(task, first_row, num_tiles, state);
  const ValueTiles values(task, first_tile, num_keys);
  FenceTiles();
  ConfigureValueTiles();
  for (int64_t d = 0; d < task.head_dim; d += 32) {
    MultiplyValues<kRowTiles>(weights, values, num_tiles, d, state);
  }
  FenceTiles();
}

template <int kRowTiles>
inline void AttendRows(const AttentionTask& task) {
  SoftmaxState state;
  BeginRows<Vec>(task, state);
  const QueryTiles queries(task);
  FenceTiles();
  const int64_t most = task.num_keys[task.num_rows - 1];
  int64_t first_row = 0;  // rows before it have seen all their keys
  for (int64_t first_key = 0; first_key < most; first_key += kKeysPerChunk) {
    while (task.num_keys[first_row] <= first_key) ++first_row;
    const int64_t num_keys = most - first_key < kKeysPerChunk ? most - first_key : kKeysPerChunk;
    const int64_t first_tile = first_key / kKeysPerTile;
    MultiplyChunkOfKeys<kRowTiles>(task, queries, first_tile,
                                   (num_keys + kKeysPerTile - 1) / kKeysPerTile, state);
    SoftmaxChunk<Vec>(task, first_row, first_key, num_keys, state);
    AddChunkOfValues<kRowTiles>(task, first_row, first_tile, num_keys, state);
  }
  ReleaseTiles();
  EndRows<Vec>(task, state);
}

}  // namespace

void AttendTiles(const AttentionTask& task) {
  if (task.num_rows > kTileRows) {
    AttendRows<2>(task);
  } else {
    AttendRows<1>(task);
  }
}

}  // namespace mao
