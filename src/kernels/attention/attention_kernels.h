// What each instruction set offers to the attention drivers (attention.cc).
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_

#include <stdint.h>

#include "kernels/attention/attention.h"
#include "kernels/dot/packed_weights.h"

namespace mao {

inline constexpr int64_t kMaxQueryRows = 32;  // of one task
inline constexpr int64_t kKeysPerChunk = 128;

// Key and value tiles of one kv head of one sequence or group.
struct KvTiles {
  DType dtype;
  const std::byte* keys;
  const std::byte* values;
  int64_t tile_bytes;
  const uint32_t* blocks;  // null: tiles follow each other
  int64_t tiles_per_block;
  int64_t block_bytes;
};

// Tables of relative positions as tiles of keys like those of the task, last entry first, so that
// neighbouring keys read neighbouring products; divided by the scale.
struct RelativeTiles {
  int64_t side;
  const std::byte* rows;
  const std::byte* cols;
};

// Up to kMaxQueryRows query rows of one head.
struct AttentionTask {
  KvTiles kv;
  int64_t head_dim;
  float scale;
  int64_t num_rows;
  const float* q[kMaxQueryRows];
  float* out[kMaxQueryRows];
  int64_t num_keys[kMaxQueryRows];  // not decreasing
  const RelativeTiles* relative;
  int64_t grid_index[kMaxQueryRows];  // row-major place of the query; with `relative` only
};

inline constexpr int64_t kMaxGridSide = 96;  // 1280-pixel views have 80

// Running state of the query rows of a task. Rows are a line longer than needed, so that those of a
// tile do not fall into the same sets of the cache.
struct SoftmaxState {
  float max[kMaxQueryRows];
  float sum[kMaxQueryRows];
  alignas(64) float out[kMaxQueryRows][kMaxHeadDim + 16];
  // Of the chunk in hand: logits before they are scaled, then (but on AMX) weights relative to the
  // running maximum.
  alignas(64) float weights[kMaxQueryRows][kKeysPerChunk + 16];
  // The products of the queries with the tables, as far as needed; with relative positions only.
  alignas(64) float row_dots[kMaxQueryRows][2 * kMaxGridSide + 16];
  alignas(64) float col_dots[kMaxQueryRows][2 * kMaxGridSide + 16];
};

struct AttentionKernels {
  void (*attend)(const AttentionTask& task);
  // For packing keys and values as bfloat16: see PackValuePair; n (a multiple of 16) floats rounded.
  void (*pack_value_pair)(const float* first, const float* second, int64_t head_dim,
                          BFloat16* target);
  void (*round_row)(const float* source, int64_t n, BFloat16* target);
};

#if defined(__x86_64__)
// AttentionKernels::attend for bfloat16 tiles on AMX; head_dim is a multiple of 32.
void AttendTiles(const AttentionTask& task);
#endif

extern const AttentionKernels kAttentionGeneric;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionAvx512;

}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_
