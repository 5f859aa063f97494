// What each instruction set offers to the attention drivers (attention.cc).
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_

#include <stdint.h>

#include "kernels/attention/attention.h"

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

// Up to kMaxQueryRows query rows of one head.
struct AttentionTask {
  KvTiles kv;
  int64_t head_dim;
  float scale;
  int64_t num_rows;
  const float* q[kMaxQueryRows];
  float* out[kMaxQueryRows];
  int64_t num_keys[kMaxQueryRows];  // not decreasing
  const RelativePositions* relative;
  int64_t grid_index[kMaxQueryRows];  // row-major place of the query; with `relative` only
};

struct AttentionKernels {
  void (*attend)(const AttentionTask& task);
};

extern const AttentionKernels kAttentionGeneric;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionAvx512;

}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_ATTENTION_KERNELS_H_
