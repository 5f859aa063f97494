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
constexpr int64_t kMaxGroups = kMaxQueryRows / kTileRows;
constexpr int64_t kWeightTileElements = kTileRows * kKeysPerTile;
constexpr int64_t kValuePanelElements = kKeysPerTile * 16;
constexpr int kLogitStride = sizeof(SoftmaxState::weights[0]);  // bytes
constexpr int kOutStride = sizeof(SoftmaxState::out[0]);
constexpr int kTableDotsBytes = sizeof(SoftmaxState::row_dots[0]);

// Tiles 0 to 3 are sums. 4: weights, 16 rows x 16 keys. 5: values, 16 keys x 16 channels. 6 and 7:
// keys and queries, 16 x 32 channels.
void ConfigureAttentionTiles() {
  TileConfig config;
  for (int i = 0; i < 8; ++i) {
    config.row_bytes[i] = i == 4 ? kKeysPerTile * sizeof(BFloat16) : 64;
    config.rows[i] = i == 5 ? kKeysPerTile / 2 : kTileRows;
  }
  LoadTileConfig(config);
}

// A group is 16 query rows: a tile of them. A phase is one group and one chunk of keys, of which
// the tiles make logits, the vectors weights, and the tiles the weighted sum of the values.
struct Phase {
  int64_t group;
  int64_t first_key;
  int64_t num_keys;

  int64_t first_row() const { return group * kTileRows; }
  int64_t first_tile() const { return first_key / kKeysPerTile; }
  int64_t num_tiles() const { return (num_keys + kKeysPerTile - 1) / kKeysPerTile; }
};

class TiledAttention {
 public:
  explicit TiledAttention(const AttentionTask& task)
      : task_(task),
        num_groups_((task.num_rows + kTileRows - 1) / kTileRows),
        most_keys_(task.num_keys[task.num_rows - 1]) {
    BeginRows(task, state_);
    RoundQueries();
    CopyLastValues();
    if (task.num_rows % kTileRows != 0) memset(weights_, 0, sizeof(weights_));
  }

  // The vector units and the tiles work at the same time: while one group's logits become weights,
  // the other group's values of the phase before are added and its logits of the phase after are
  // made, a step after each row. A single group does one after the other.
  void Run() {
    FenceTiles();
    ConfigureAttentionTiles();
    if (task_.relative != nullptr) MultiplyTables();
    const int64_t num_phases = (most_keys_ + kKeysPerChunk - 1) / kKeysPerChunk * num_groups_;
    const int64_t ahead = num_groups_ - 1;  // phases whose keys are multiplied before
    for (int64_t p = -ahead; p <= num_phases; ++p) {
      Steps steps{this, {}, {}, 0, 0, 0};
      if (p > 0) {
        steps.values = PhaseAt(p - 1);
        steps.num_value_steps = NumValueSteps(steps.values);
      }
      steps.num_steps = steps.num_value_steps;
      if (p + ahead < num_phases) {
        steps.keys = PhaseAt(p + ahead);
        steps.num_steps += steps.keys.num_tiles();
        BeginPhase(steps.keys);
      }
      if (ahead == 0) steps.Finish();
      if (p >= 0 && p < num_phases) MakeWeights(PhaseAt(p), steps);
      steps.Finish();
    }
    ReleaseTiles();
    FenceTiles();
    EndRows<Vec>(task_, state_);
  }

 private:
  // The tiles' work of one phase, in steps of a few tiles.
  struct Steps {
    TiledAttention* attention;
    Phase values;
    Phase keys;
    int64_t num_value_steps;
    int64_t num_steps;
    int64_t next;

    void Next() {
      if (next == num_steps) return;
      FenceTiles();
      if (next < num_value_steps) {
        attention->MultiplyValues(values, next);
      } else {
        attention->MultiplyKeys(keys, next - num_value_steps);
      }
      FenceTiles();
      ++next;
    }
    void Finish() {
      while (next < num_steps) Next();
    }
  };

  // Rows that are missing are zero.
  void RoundQueries() {
    for (int64_t r = 0; r < num_groups_ * kTileRows; ++r) {
      for (int64_t d = 0; d < task_.head_dim; d += kDotBlockDepth) {
        BFloat16* target =
            queries_[r / kTileRows][d / kDotBlockDepth] + r % kTileRows * kDotBlockDepth;
        if (r >= task_.num_rows) {
          memset(target, 0, kDotBlockDepth * sizeof(BFloat16));
          continue;
        }
        const float* q = task_.q[r] + d;
        const __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(q + 16), _mm512_loadu_ps(q));
        _mm512_store_si512(target, reinterpret_cast<__m512i>(pair));
      }
    }
  }

  // Nothing may be known of memory beyond the last key, so its tile is copied with zeros there.
  void CopyLastValues() {
    const int64_t keys_here = most_keys_ % kKeysPerTile;
    if (keys_here == 0) return;
    const auto* tile = reinterpret_cast<const BFloat16*>(
        Tile(task_.kv, task_.kv.values, most_keys_ / kKeysPerTile));
    memset(last_values_, 0, static_cast<size_t>(task_.head_dim * kKeysPerTile) * sizeof(BFloat16));
    for (int64_t line = 0; line < task_.head_dim / 16 * kKeysPerTile / 2; ++line) {
      const int64_t key = line % (kKeysPerTile / 2) * 2;
      const __mmask32 both = key + 1 < keys_here ? 0xFFFFFFFFu : 0x55555555u;
      if (key >= keys_here) continue;
      _mm512_store_si512(last_values_ + line * 32,
                         _mm512_maskz_loadu_epi16(both, tile + line * 32));
    }
  }

  Phase PhaseAt(int64_t index) const {
    const int64_t first_key = index / num_groups_ * kKeysPerChunk;
    const int64_t left = most_keys_ - first_key;
    return {index % num_groups_, first_key, left < kKeysPerChunk ? left : kKeysPerChunk};
  }

  int64_t LastRow(const Phase& phase) const {
    const int64_t last = phase.first_row() + kTileRows;
    return last < task_.num_rows ? last : task_.num_rows;
  }

  void BeginPhase(const Phase& phase) {
    if (task_.relative == nullptr) return;
    for (int64_t row = phase.first_row(); row < LastRow(phase); ++row) {
      BeginLogits<Vec>(task_, row, phase.first_key, phase.num_keys, state_);
    }
    FenceTiles();
  }

  // Tile 0 += the queries of a group times a tile of keys.
  void MultiplyQueries(int64_t group, const std::byte* keys) const {
    for (int64_t i = 0; i < task_.head_dim / kDotBlockDepth; ++i) {
      _tile_loadd(6, keys + i * kDotTileElements * 2, 64);
      _tile_loadd(7, queries_[group][i], 64);
      _tile_dpbf16ps(0, 7, 6);
    }
  }

  // The logits of key tile t.
  void MultiplyKeys(const Phase& phase, int64_t t) {
    float* logits = state_.weights[phase.first_row()] + t * kKeysPerTile;
    if (task_.relative != nullptr) {
      _tile_loadd(0, logits, kLogitStride);
    } else {
      _tile_zero(0);
    }
    MultiplyQueries(phase.group, Tile(task_.kv, task_.kv.keys, phase.first_tile() + t));
    _tile_stored(0, logits, kLogitStride);
  }

  void MultiplyTables() {
    for (int64_t group = 0; group < num_groups_; ++group) {
      const int64_t first_row = group * kTileRows;
      const int64_t left = task_.num_rows - first_row;
      ForBothTables(task_, first_row, first_row + (left < kTileRows ? left : kTileRows), state_,
                    [&](const std::byte* table, TableTiles tiles, float* dots) {
                      for (int64_t t = tiles.first; t < tiles.last; ++t) {
                        _tile_zero(0);
                        MultiplyQueries(group, table + t * task_.kv.tile_bytes);
                        _tile_stored(0, dots + t * kKeysPerTile, kTableDotsBytes);
                      }
                    });
    }
    FenceTiles();
  }

  // Weights of the rows of a phase, as tiles.
  void MakeWeights(const Phase& phase, Steps& steps) {
    BFloat16* weights = weights_[phase.group][0];
    int64_t row = phase.first_row();
    for (; row < LastRow(phase) && task_.num_keys[row] <= phase.first_key; ++row) {
      // This row has seen all its keys.
      for (int64_t t = 0; t < phase.num_tiles(); ++t) {
        memset(weights + t * kWeightTileElements + row % kTileRows * kKeysPerTile, 0,
               kKeysPerTile * sizeof(BFloat16));
      }
    }
    SoftmaxChunk<Vec>(
        task_, row, LastRow(phase), phase.first_key, phase.num_keys, state_,
        [weights](int64_t r, int64_t i, Vec weight) {
          BFloat16* target =
              weights + i / kKeysPerTile * kWeightTileElements + r % kTileRows * kKeysPerTile;
          const __m256bh rounded = _mm512_cvtneps_pbh(weight.v);
          _mm256_store_si256(reinterpret_cast<__m256i*>(target),
                             reinterpret_cast<__m256i>(rounded));
        },
        [&steps] { steps.Next(); });
  }

  // A step is one tile of keys for up to 64 channels; the sums stay in tiles 0 to 3 from the first
  // key tile to the last.
  int64_t NumValueSteps(const Phase& phase) const {
    return phase.num_tiles() * ((task_.head_dim + 63) / 64);
  }
  void MultiplyValues(const Phase& phase, int64_t step) {
    const int64_t d = step / phase.num_tiles() * 64;
    if (task_.head_dim - d >= 64) {
      MultiplyValues<4>(phase, step % phase.num_tiles(), d);
    } else {
      MultiplyValues<2>(phase, step % phase.num_tiles(), d);
    }
  }
  // out += weights * values of key tile t for kPanels * 16 channels from d on.
  template <int kPanels>
  void MultiplyValues(const Phase& phase, int64_t t, int64_t d) {
    float* out = state_.out[phase.first_row()] + d;
    if (t == 0) {
      _tile_loadd(0, out, kOutStride);
      _tile_loadd(1, out + 16, kOutStride);
      if (kPanels == 4) _tile_loadd(2, out + 32, kOutStride);
      if (kPanels == 4) _tile_loadd(3, out + 48, kOutStride);
    }
    const int64_t tile = phase.first_tile() + t;
    const auto* values =
        (tile + 1) * kKeysPerTile > most_keys_
            ? last_values_
            : reinterpret_cast<const BFloat16*>(Tile(task_.kv, task_.kv.values, tile));
    values += d * kKeysPerTile;
    _tile_loadd(4, weights_[phase.group][t], kKeysPerTile * sizeof(BFloat16));
    _tile_loadd(5, values, 64);
    _tile_dpbf16ps(0, 4, 5);
    _tile_loadd(5, values + kValuePanelElements, 64);
    _tile_dpbf16ps(1, 4, 5);
    if (kPanels == 4) {
      _tile_loadd(5, values + 2 * kValuePanelElements, 64);
      _tile_dpbf16ps(2, 4, 5);
      _tile_loadd(5, values + 3 * kValuePanelElements, 64);
      _tile_dpbf16ps(3, 4, 5);
    }
    if (t + 1 == phase.num_tiles()) {
      _tile_stored(0, out, kOutStride);
      _tile_stored(1, out + 16, kOutStride);
      if (kPanels == 4) _tile_stored(2, out + 32, kOutStride);
      if (kPanels == 4) _tile_stored(3, out + 48, kOutStride);
    }
  }

  const AttentionTask& task_;
  const int64_t num_groups_;
  const int64_t most_keys_;
  SoftmaxState state_;
  alignas(64) BFloat16 queries_[kMaxGroups][kMaxHeadDim / kDotBlockDepth][kDotTileElements];
  alignas(64) BFloat16 weights_[kMaxGroups][kTilesPerChunk][kWeightTileElements];
  alignas(64) BFloat16 last_values_[kKeysPerTile * kMaxHeadDim];
};

}  // namespace

void AttendTiles(const AttentionTask& task) {
  TiledAttention attention(task);
  attention.Run();
}

}  // namespace mao
