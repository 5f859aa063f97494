// Softmax attention over keys and values stored as tiles of 16 keys.
//
// A tile of one kv head, kF32: keys transposed, [head_dim][16]; values as they are, [16][head_dim].
// kBF16: both as packed weights of kernels/dot, so that AMX reads them as they stand. Keys are a
// panel of depth head_dim: pairs of channels, [head_dim/2][16 keys][2]. Values are a panel of 16
// channels after the other, each of depth 16: [head_dim/16][8][16 channels][2 keys]. A block of a
// paged cache holds block_size/16 tiles per kv head.
//
// Arithmetic, per query row and head, the same bits for every grouping of rows, block size and
// instruction set: keys run in chunks of 128 counted from position 0; a weight is 2^x with x =
// fma(dot product, s, -max * s), s = scale * log2(e); each chunk updates a running maximum and sum (Milakov and Gimelshein
// 2018), and values join in the order of the keys. Over kF32 tiles the dot product is one chain of
// fused multiply-adds over the channels, and so is the sum over the keys. Over kBF16 tiles queries
// and weights are rounded to bfloat16 (the sum of the weights is not), the dot product is that of
// kernels/dot, and values join 16 keys at a time: the sums over even and over odd keys, each a chain
// from 0, are added and then join.
#ifndef MAOOCR_KERNELS_ATTENTION_ATTENTION_H_
#define MAOOCR_KERNELS_ATTENTION_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "base/thread_pool.h"

namespace mao {

inline constexpr int64_t kKeysPerTile = 16;
inline constexpr int64_t kMaxHeadDim = 256;  // a multiple of 16 up to this

// Shape of one layer's paged cache. Keys and values are two arrays of the same layout,
// [num_blocks][num_kv_heads][block_size/16] tiles.
struct KvLayout {
  DType dtype = DType::kBF16;
  int64_t block_size = 16;  // a multiple of 16
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;

  size_t TileBytes() const {
    return static_cast<size_t>(head_dim * kKeysPerTile) * SizeBytes(dtype);
  }
  size_t BlockBytes() const {
    return TileBytes() * static_cast<size_t>(num_kv_heads * (block_size / kKeysPerTile));
  }
};

// Writes `rows` keys or values into the cache: row r, num_kv_heads x head_dim floats at
// source + r * stride, goes to slot slots[r] = block * block_size + offset.
void StoreKeys(const float* source, int64_t stride, int64_t rows, const int64_t* slots,
               const KvLayout& layout, std::byte* cache, ThreadPool& pool);
void StoreValues(const float* source, int64_t stride, int64_t rows, const int64_t* slots,
                 const KvLayout& layout, std::byte* cache, ThreadPool& pool);

// Consecutive query rows of one sequence; row i stands at position first_position + i and sees the
// keys of positions 0 .. first_position + i. blocks: the sequence's block table.
struct PagedSequence {
  const float* q = nullptr;  // row stride q_stride, heads side by side
  float* out = nullptr;      // row stride out_stride
  int64_t num_queries = 0;
  int64_t first_position = 0;
  const uint32_t* blocks = nullptr;
};

// Causal attention of all sequences. num_heads is a multiple of layout.num_kv_heads: query head h
// reads kv head h / (num_heads / num_kv_heads).
void PagedAttention(std::span<const PagedSequence> sequences, int64_t q_stride, int64_t out_stride,
                    int64_t num_heads, float scale, const KvLayout& layout, const std::byte* keys,
                    const std::byte* values, ThreadPool& pool);

// Decomposed relative positions of SAM (Li et al. 2022, MViTv2): bias(q, k) = q . rows[qy - ky +
// side - 1] + q . cols[qx - kx + side - 1], with q unscaled. The tables are kept divided by the
// scale, as keys are, and their products are those of keys: a logit is the sum of both biases, to
// which the products with the key are added, times the scale.
struct RelativePositions {
  int64_t side = 0;             // keys form a side x side grid, row-major
  const float* rows = nullptr;  // [2 * side - 1, head_dim]
  const float* cols = nullptr;
};

// Attention without a mask inside each of several groups of `group_size` tokens (windows or
// images). Token t of a group is row rows[group * group_size + t] of qkv (q, k, v side by side,
// each num_heads x head_dim), or, if that is negative, the row `padding` (the image of a zero
// token): it is a key like any other, but has no output.
struct DenseAttentionArgs {
  const float* qkv = nullptr;
  int64_t qkv_stride = 0;
  const int32_t* rows = nullptr;
  const float* padding = nullptr;
  int64_t num_groups = 0;
  int64_t group_size = 0;
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  float scale = 1.0f;
  // How keys and values are stored as tiles, and so whether the products round their operands. Heads
  // that are not a multiple of 32 wide are always computed as kF32.
  DType compute = DType::kF32;
  const RelativePositions* relative = nullptr;  // or none
  float* out = nullptr;  // rows as in qkv, num_heads x head_dim floats at out + row * out_stride
  int64_t out_stride = 0;
};

// Scratch memory for DenseAttention, 64-byte aligned. side: of relative positions, or 0.
size_t DenseAttentionScratchBytes(int64_t num_groups, int64_t group_size, int64_t num_heads,
                                  int64_t head_dim, int64_t side);
void DenseAttention(const DenseAttentionArgs& args, std::span<std::byte> scratch, ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_KERNELS_ATTENTION_ATTENTION_H_
