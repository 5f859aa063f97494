#include "kernels/attention/attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/arch/isa_table.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/dot/dot_kernels.h"

namespace mao {
namespace {

// From this many query rows on, tiles beat vectors.
constexpr int64_t kMinAmxRows = 2;

const AttentionKernels& Kernels() {
  return SelectByIsa(kAttentionAvx512, kAttentionAvx2, kAttentionGeneric);
}

int64_t CeilDiv(int64_t value, int64_t unit) { return (value + unit - 1) / unit; }

void StoreFloatKey(const float* key, int64_t head_dim, int64_t lane, std::byte* tile) {
  auto* target = reinterpret_cast<float*>(tile) + lane;
  for (int64_t d = 0; d < head_dim; ++d) target[d * kKeysPerTile] = key[d];
}

void StoreFloatValue(const float* value, int64_t head_dim, int64_t lane, std::byte* tile) {
  std::copy(value, value + head_dim, reinterpret_cast<float*>(tile) + lane * head_dim);
}

void StoreRoundedKey(const float* key, int64_t head_dim, int64_t lane, std::byte* tile) {
  auto* target = reinterpret_cast<BFloat16*>(tile) + 2 * lane;
  for (int64_t d = 0; d < head_dim; d += 2, target += 2 * kKeysPerTile) {
    target[0] = ToBFloat16(key[d]);
    target[1] = ToBFloat16(key[d + 1]);
  }
}

void StoreRoundedValue(const float* value, int64_t head_dim, int64_t lane, std::byte* tile) {
  auto* target = reinterpret_cast<BFloat16*>(tile) + lane / 2 * 32 + lane % 2;
  for (int64_t d = 0; d < head_dim; d += 16, target += 16 * kKeysPerTile) {
    for (int64_t i = 0; i < 16; ++i) target[2 * i] = ToBFloat16(value[d + i]);
  }
}

using StoreHead = void (*)(const float* source, int64_t head_dim, int64_t lane, std::byte* tile);

void StoreRows(const float* source, int64_t stride, int64_t rows, const int64_t* slots,
               const KvLayout& layout, std::byte* cache, StoreHead store, ThreadPool& pool) {
  const int64_t tiles_per_head = layout.block_size / kKeysPerTile;
  pool.ParallelFor(static_cast<size_t>(rows), [&](size_t row, size_t) {
    const int64_t block = slots[row] / layout.block_size;
    const int64_t offset = slots[row] % layout.block_size;
    std::byte* base = cache + static_cast<size_t>(block) * layout.BlockBytes();
    for (int64_t head = 0; head < layout.num_kv_heads; ++head) {
      const int64_t tile = head * tiles_per_head + offset / kKeysPerTile;
      store(source + static_cast<int64_t>(row) * stride + head * layout.head_dim, layout.head_dim,
            offset % kKeysPerTile, base + static_cast<size_t>(tile) * layout.TileBytes());
    }
  });
}

// Bytes of one head's keys (or values) of one group of DenseAttention, as tiles of floats or, in
// less, of bfloat16.
int64_t DenseHeadBytes(int64_t group_size, int64_t head_dim) {
  return CeilDiv(group_size, kKeysPerTile) * kKeysPerTile * head_dim *
         static_cast<int64_t>(sizeof(float));
}

const float* DenseToken(const DenseAttentionArgs& args, int64_t group, int64_t token) {
  const int32_t row = args.rows[group * args.group_size + token];
  return row < 0 ? args.padding : args.qkv + row * args.qkv_stride;
}

// Writes `count` rows as tiles of keys; row_at(i) gives head_dim floats. What fills the last tile is
// zero: products with it are masked later, and must be finite.
template <typename RowAt>
void PackKeys(DType dtype, int64_t count, int64_t head_dim, const RowAt& row_at, std::byte* tiles) {
  const AttentionKernels& kernels = Kernels();
  const PackKernels& pack = PackKernelsInForce();
  constexpr float kZeros[kMaxHeadDim] = {};
  alignas(64) BFloat16 rows[kDotPanelColumns * kMaxHeadDim];
  const auto tile_bytes = static_cast<size_t>(head_dim * kKeysPerTile) * SizeBytes(dtype);
  for (int64_t first = 0; first < count; first += kKeysPerTile, tiles += tile_bytes) {
    for (int64_t i = 0; i < kKeysPerTile; ++i) {
      const float* row = first + i < count ? row_at(first + i) : kZeros;
      if (dtype == DType::kF32) {
        StoreFloatKey(row, head_dim, i, tiles);
      } else {
        kernels.round_row(row, head_dim, rows + i * head_dim);
      }
    }
    if (dtype == DType::kF32) continue;
    pack.pack_panel(reinterpret_cast<const std::byte*>(rows),
                    head_dim * static_cast<int64_t>(sizeof(BFloat16)), head_dim, tiles);
  }
}

// A table of relative positions as RelativeTiles has it.
void PackTable(DType dtype, const DenseAttentionArgs& args, const float* table, std::byte* tiles) {
  const int64_t count = 2 * args.relative->side - 1;
  float scaled[kMaxHeadDim];
  PackKeys(
      dtype, count, args.head_dim,
      [&](int64_t i) {
        const float* row = table + (count - 1 - i) * args.head_dim;
        for (int64_t d = 0; d < args.head_dim; ++d) scaled[d] = row[d] / args.scale;
        return scaled;
      },
      tiles);
}

int64_t TableBytes(int64_t side, int64_t head_dim) {
  return side == 0 ? 0 : DenseHeadBytes(2 * side - 1, head_dim);
}

// Values as tiles of 16 tokens.
void PackValues(DType dtype, const DenseAttentionArgs& args, int64_t group, int64_t head,
                std::byte* values) {
  const AttentionKernels& kernels = Kernels();
  const int64_t offset = 2 * args.num_heads * args.head_dim + head * args.head_dim;
  if (dtype == DType::kF32) {
    auto* target = reinterpret_cast<float*>(values);
    for (int64_t token = 0; token < args.group_size; ++token, target += args.head_dim) {
      const float* value = DenseToken(args, group, token) + offset;
      std::copy(value, value + args.head_dim, target);
    }
    return;
  }
  constexpr float kZeros[kMaxHeadDim] = {};  // for tokens beyond the group
  const auto value = [&](int64_t token) {
    return token < args.group_size ? DenseToken(args, group, token) + offset : kZeros;
  };
  auto* tiles = reinterpret_cast<BFloat16*>(values);
  for (int64_t token = 0; token < args.group_size; token += 2) {
    BFloat16* target = tiles + token / kKeysPerTile * kKeysPerTile * args.head_dim +
                       token % kKeysPerTile * kKeysPerTile;
    kernels.pack_value_pair(value(token), value(token + 1), args.head_dim, target);
  }
}

void Attend(const AttentionTask& task) {
#if defined(__x86_64__)
  if (CurrentCpuIsa() >= CpuIsa::kAmx && task.kv.dtype == DType::kBF16 &&
      task.head_dim % kDotBlockDepth == 0 && task.num_rows >= kMinAmxRows) {
    return AttendTiles(task);
  }
#endif
  Kernels().attend(task);
}

}  // namespace

void StoreKeys(const float* source, int64_t stride, int64_t rows, const int64_t* slots,
               const KvLayout& layout, std::byte* cache, ThreadPool& pool) {
  StoreRows(source, stride, rows, slots, layout, cache,
            layout.dtype == DType::kBF16 ? &StoreRoundedKey : &StoreFloatKey, pool);
}

void StoreValues(const float* source, int64_t stride, int64_t rows, const int64_t* slots,
                 const KvLayout& layout, std::byte* cache, ThreadPool& pool) {
  StoreRows(source, stride, rows, slots, layout, cache,
            layout.dtype == DType::kBF16 ? &StoreRoundedValue : &StoreFloatValue, pool);
}

void PagedAttention(std::span<const PagedSequence> sequences, int64_t q_stride, int64_t out_stride,
                    int64_t num_heads, float scale, const KvLayout& layout, const std::byte* keys,
                    const std::byte* values, ThreadPool& pool) {
  const int64_t group = num_heads / layout.num_kv_heads;
  // Query heads that share a kv head go into one task, so that its keys are read once.
  const int64_t queries_per_task = std::max<int64_t>(1, kMaxQueryRows / group);
  int64_t num_tasks = 0;
  for (const PagedSequence& sequence : sequences) {
    num_tasks += CeilDiv(sequence.num_queries, queries_per_task) * layout.num_kv_heads;
  }
  pool.ParallelFor(static_cast<size_t>(num_tasks), [&](size_t item, size_t) {
    auto local = static_cast<int64_t>(item);
    const PagedSequence* sequence = sequences.data();
    for (;; ++sequence) {
      const int64_t tasks = CeilDiv(sequence->num_queries, queries_per_task) * layout.num_kv_heads;
      if (local < tasks) break;
      local -= tasks;
    }
    const int64_t head = local % layout.num_kv_heads;
    const int64_t first = local / layout.num_kv_heads * queries_per_task;
    const int64_t last = std::min(first + queries_per_task, sequence->num_queries);
    const int64_t tiles_per_block = layout.block_size / kKeysPerTile;
    const size_t head_offset = layout.TileBytes() * static_cast<size_t>(head * tiles_per_block);
    AttentionTask task;
    task.kv = {layout.dtype,
               keys + head_offset,
               values + head_offset,
               static_cast<int64_t>(layout.TileBytes()),
               sequence->blocks,
               tiles_per_block,
               static_cast<int64_t>(layout.BlockBytes())};
    task.head_dim = layout.head_dim;
    task.scale = scale;
    task.relative = nullptr;
    task.num_rows = 0;
    for (int64_t query = first; query < last; ++query) {
      for (int64_t h = head * group; h < (head + 1) * group; ++h) {
        const int64_t r = task.num_rows++;
        task.q[r] = sequence->q + query * q_stride + h * layout.head_dim;
        task.out[r] = sequence->out + query * out_stride + h * layout.head_dim;
        task.num_keys[r] = sequence->first_position + query + 1;
      }
    }
    Attend(task);
  });
}

size_t DenseAttentionScratchBytes(int64_t num_groups, int64_t group_size, int64_t num_heads,
                                  int64_t head_dim, int64_t side) {
  return static_cast<size_t>(2 * num_groups * num_heads * DenseHeadBytes(group_size, head_dim) +
                             2 * TableBytes(side, head_dim));
}

void DenseAttention(const DenseAttentionArgs& args, std::span<std::byte> scratch,
                    ThreadPool& pool) {
  // Keys are packed as weights, whose depth is a multiple of 32.
  const bool rounded = args.compute == DType::kBF16 && args.head_dim % kDotBlockDepth == 0;
  const DType dtype = rounded ? DType::kBF16 : DType::kF32;
  const int64_t num_heads = args.num_groups * args.num_heads;
  const int64_t head_bytes = DenseHeadBytes(args.group_size, args.head_dim);
  std::byte* keys = scratch.data();
  std::byte* values = keys + num_heads * head_bytes;
  const int64_t side = args.relative != nullptr ? args.relative->side : 0;
  std::byte* rows = values + num_heads * head_bytes;
  std::byte* cols = rows + TableBytes(side, args.head_dim);
  const RelativeTiles relative = {side, rows, cols};
  const int64_t num_tables = args.relative != nullptr ? 2 : 0;
  pool.ParallelFor(static_cast<size_t>(num_tables + num_heads), [&](size_t item, size_t) {
    const int64_t index = static_cast<int64_t>(item) - num_tables;
    if (index == -2) return PackTable(dtype, args, args.relative->rows, rows);
    if (index == -1) return PackTable(dtype, args, args.relative->cols, cols);
    const int64_t group = index / args.num_heads;
    const int64_t head = index % args.num_heads;
    const int64_t offset = (args.num_heads + head) * args.head_dim;
    PackKeys(
        dtype, args.group_size, args.head_dim,
        [&](int64_t token) { return DenseToken(args, group, token) + offset; },
        keys + index * head_bytes);
    PackValues(dtype, args, group, head, values + index * head_bytes);
  });
  const int64_t tasks_per_head = CeilDiv(args.group_size, kMaxQueryRows);
  pool.ParallelFor(static_cast<size_t>(num_heads * tasks_per_head), [&](size_t item, size_t) {
    const int64_t index = static_cast<int64_t>(item) / tasks_per_head;
    const int64_t first = static_cast<int64_t>(item) % tasks_per_head * kMaxQueryRows;
    const int64_t last = std::min(first + kMaxQueryRows, args.group_size);
    const int64_t group = index / args.num_heads;
    const int64_t head = index % args.num_heads;
    AttentionTask task;
    task.kv = {dtype,
               keys + index * head_bytes,
               values + index * head_bytes,
               args.head_dim * kKeysPerTile * static_cast<int64_t>(SizeBytes(dtype)),
               nullptr,
               1,
               0};
    task.head_dim = args.head_dim;
    task.scale = args.scale;
    task.relative = args.relative != nullptr ? &relative : nullptr;
    task.num_rows = 0;
    for (int64_t token = first; token < last; ++token) {
      const int32_t row = args.rows[group * args.group_size + token];
      if (row < 0) continue;
      const int64_t r = task.num_rows++;
      task.q[r] = args.qkv + row * args.qkv_stride + head * args.head_dim;
      task.out[r] = args.out + row * args.out_stride + head * args.head_dim;
      task.num_keys[r] = args.group_size;
      task.grid_index[r] = token;
    }
    if (task.num_rows == 0) return;
    Attend(task);
  });
}

}  // namespace mao
