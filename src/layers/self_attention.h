// Causal self-attention of a decoder layer over the paged cache.
#ifndef MAOOCR_LAYERS_SELF_ATTENTION_H_
#define MAOOCR_LAYERS_SELF_ATTENTION_H_

#include "layers/batch.h"
#include "layers/kv_cache.h"
#include "layers/linear.h"
#include "layers/rope.h"

namespace mao {

struct SelfAttention {
  Linear qkv;  // q heads, then k heads, then v heads
  Linear out;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;

  // Activations, shared by the layers of a model.
  struct Workspace {
    FloatMatrix qkv;      // [rows, (num_heads + 2 num_kv_heads) * head_dim]
    FloatMatrix context;  // [rows, num_heads * head_dim]
    std::vector<PagedSequence> sequences;
    Status Reserve(const SelfAttention& layer, int64_t max_rows, int64_t max_sequences);
  };

  // hidden += out(attention(x)); x: normalised rows of qkv.in_features() floats.
  void Forward(ExecutionContext& ctx, const TokenBatch& batch, const RopeTables& rope,
               KvCache& cache, int64_t layer, const float* x, float* hidden,
               Workspace& workspace) const;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_SELF_ATTENTION_H_
