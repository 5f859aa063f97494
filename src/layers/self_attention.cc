#include "layers/self_attention.h"

#include <cmath>

#include "kernels/rope/rope.h"

namespace mao {

Status SelfAttention::Workspace::Reserve(const SelfAttention& layer, int64_t max_rows,
                                         int64_t max_sequences) {
  sequences.reserve(static_cast<size_t>(max_sequences));
  MAO_RETURN_IF_ERROR(qkv.Reserve(max_rows, layer.qkv.out_features()));
  return context.Reserve(max_rows, layer.num_heads * layer.head_dim);
}

void SelfAttention::Forward(ExecutionContext& ctx, const TokenBatch& batch, const RopeTables& rope,
                            KvCache& cache, int64_t layer, const float* x, float* hidden,
                            Workspace& workspace) const {
  const int64_t rows = batch.num_rows();
  const int64_t stride = qkv.out_features();
  const int64_t q_width = num_heads * head_dim;
  const int64_t kv_width = num_kv_heads * head_dim;
  float* q = workspace.qkv.data();
  float* context = workspace.context.data();
  qkv.Forward(ctx, x, qkv.in_features(), rows, q, stride);
  // Queries and keys lie side by side, so one call rotates both.
  RotateHalf(q, stride, rows, num_heads + num_kv_heads, head_dim, batch.positions.data(),
             rope.cos.data(), rope.sin.data(), ctx.pool);
  const KvLayout& layout = cache.layout();
  StoreKeys(q + q_width, stride, rows, batch.slots.data(), layout, cache.keys(layer), ctx.pool);
  StoreValues(q + q_width + kv_width, stride, rows, batch.slots.data(), layout, cache.values(layer),
              ctx.pool);
  workspace.sequences.clear();
  for (const TokenBatch::Sequence& sequence : batch.sequences) {
    workspace.sequences.push_back({q + sequence.first_row * stride,
                                   context + sequence.first_row * q_width, sequence.num_rows,
                                   sequence.first_position, sequence.blocks});
  }
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  PagedAttention(workspace.sequences, stride, q_width, num_heads, scale, layout, cache.keys(layer),
                 cache.values(layer), ctx.pool);
  out.Forward(ctx, context, q_width, rows, hidden, out.out_features(), Activation::kNone,
              /*accumulate=*/true);
}

}  // namespace mao
