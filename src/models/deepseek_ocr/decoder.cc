#include "models/deepseek_ocr/decoder.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao::deepseek_ocr {
namespace {

template <typename Source>
void WidenRow(const TensorView& table, size_t row, float* target) {
  const auto n = static_cast<size_t>(table.shape.dim(1));
  for (size_t i = 0; i < n; ++i) target[i] = ToFloat(table.Load<Source>(row * n + i));
}

void WidenRow(const TensorView& table, size_t row, float* target) {
  if (table.dtype == DType::kBF16) {
    WidenRow<BFloat16>(table, row, target);
  } else if (table.dtype == DType::kF16) {
    WidenRow<Float16>(table, row, target);
  } else {
    WidenRow<float>(table, row, target);
  }
}

size_t SizeBytes(const GatedMlp& mlp) { return mlp.gate_up.size_bytes() + mlp.down.size_bytes(); }

}  // namespace

Result<Decoder::Layer> Decoder::LoadLayer(const DecoderConfig& config, int64_t index,
                                          const WeightLoader& loader) {
  const std::string at = fmt::format("model.layers.{}.", index);
  Layer layer;
  MAO_ASSIGN_OR_RETURN(layer.input_norm,
                       loader.RmsNorm(at + "input_layernorm", config.rms_norm_eps));
  MAO_ASSIGN_OR_RETURN(layer.mlp_norm,
                       loader.RmsNorm(at + "post_attention_layernorm", config.rms_norm_eps));
  layer.attention.num_heads = config.num_heads;
  layer.attention.num_kv_heads = config.num_kv_heads;
  layer.attention.head_dim = config.head_dim();
  const std::string attention = at + "self_attn.";
  MAO_ASSIGN_OR_RETURN(
      layer.attention.qkv,
      loader.Stacked({attention + "q_proj", attention + "k_proj", attention + "v_proj"},
                     WeightRole::kSensitive));
  MAO_ASSIGN_OR_RETURN(layer.attention.out,
                       loader.Stacked({attention + "o_proj"}, WeightRole::kSensitive));
  layer.is_moe = config.IsMoe(index);
  if (!layer.is_moe) {
    MAO_ASSIGN_OR_RETURN(layer.mlp, loader.Mlp(at + "mlp"));
    return layer;
  }
  MAO_ASSIGN_OR_RETURN(layer.moe.router, loader.Stacked({at + "mlp.gate"}, WeightRole::kRouter));
  for (int64_t e = 0; e < config.num_experts; ++e) {
    MAO_ASSIGN_OR_RETURN(layer.moe.experts.emplace_back(),
                         loader.Mlp(fmt::format("{}mlp.experts.{}", at, e)));
  }
  if (config.num_shared_experts > 0) {
    MAO_ASSIGN_OR_RETURN(layer.moe.shared, loader.Mlp(at + "mlp.shared_experts"));
  }
  layer.moe.experts_per_token = config.experts_per_token;
  layer.moe.renormalize = config.norm_topk_prob;
  layer.moe.routed_scaling_factor = config.routed_scaling_factor;
  return layer;
}

Result<Decoder> Decoder::Load(const DecoderConfig& config, const WeightLoader& loader) {
  Decoder decoder;
  decoder.config_ = config;
  MAO_ASSIGN_OR_RETURN(decoder.embeddings_, loader.Tensor("model.embed_tokens.weight"));
  for (int64_t i = 0; i < config.num_layers; ++i) {
    MAO_ASSIGN_OR_RETURN(decoder.layers_.emplace_back(), LoadLayer(config, i, loader));
  }
  MAO_ASSIGN_OR_RETURN(decoder.norm_, loader.RmsNorm("model.norm", config.rms_norm_eps));
  MAO_ASSIGN_OR_RETURN(decoder.head_, loader.Stacked({"lm_head"}, WeightRole::kSensitive));
  MAO_ASSIGN_OR_RETURN(decoder.rope_, RopeTables::Create(config.head_dim(), config.max_positions,
                                                         config.rope_theta));
  return decoder;
}

size_t Decoder::size_bytes() const {
  size_t total = embeddings_.size_bytes() + head_.size_bytes();
  for (const Layer& layer : layers_) {
    total += layer.attention.qkv.size_bytes() + layer.attention.out.size_bytes() +
             SizeBytes(layer.mlp) + layer.moe.router.size_bytes() + SizeBytes(layer.moe.shared);
    for (const GatedMlp& expert : layer.moe.experts) total += SizeBytes(expert);
  }
  return total;
}

Status Decoder::Reserve(ExecutionContext& ctx, int64_t max_rows, int64_t max_sequences) {
  MAO_RETURN_IF_ERROR(hidden_.Reserve(max_rows, config_.hidden_size));
  MAO_RETURN_IF_ERROR(normalized_.Reserve(max_rows, config_.hidden_size));
  MAO_RETURN_IF_ERROR(last_.Reserve(std::min(max_rows, max_sequences), config_.hidden_size));
  int64_t depth = config_.hidden_size;
  for (const Layer& layer : layers_) {
    MAO_RETURN_IF_ERROR(attention_workspace_.Reserve(layer.attention, max_rows, max_sequences));
    if (layer.is_moe) {
      MAO_RETURN_IF_ERROR(moe_workspace_.Reserve(layer.moe, max_rows));
      MAO_RETURN_IF_ERROR(ctx.scratch.Reserve(layer.moe.ScratchBytes(max_rows)));
    } else {
      MAO_RETURN_IF_ERROR(mlp_workspace_.Reserve(layer.mlp, max_rows));
      depth = std::max(depth, layer.mlp.down.in_features());
    }
  }
  return ctx.scratch.Reserve(DotScratchBytes(max_rows, depth));
}

void Decoder::Embed(const ForwardInput& input) {
  const int64_t n = config_.hidden_size;
  for (size_t row = 0; row < input.token_ids.size(); ++row) {
    float* target = hidden_.row(static_cast<int64_t>(row));
    if (input.embeddings[row] != nullptr) {
      std::copy(input.embeddings[row], input.embeddings[row] + n, target);
    } else {
      WidenRow(embeddings_, static_cast<size_t>(input.token_ids[row]), target);
    }
  }
}

void Decoder::Forward(ExecutionContext& ctx, const ForwardInput& input, KvCache& cache,
                      float* logits) {
  const int64_t rows = input.batch.num_rows();
  const int64_t n = config_.hidden_size;
  hidden_.SetShape(rows, n);
  Embed(input);
  ctx.Observe("prompt_embeddings", hidden_.data(), rows, n);
  float* hidden = hidden_.data();
  float* normalized = normalized_.data();
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    layer.input_norm.Forward(ctx, hidden, rows, normalized);
    layer.attention.Forward(ctx, input.batch, rope_, cache, static_cast<int64_t>(i), normalized,
                            hidden, attention_workspace_);
    layer.mlp_norm.Forward(ctx, hidden, rows, normalized);
    if (layer.is_moe) {
      layer.moe.Forward(ctx, normalized, rows, hidden, moe_workspace_);
    } else {
      layer.mlp.Forward(ctx, normalized, rows, hidden, mlp_workspace_);
    }
    if (ctx.observer) ctx.Observe(fmt::format("decoder.layer.{}", i), hidden, rows, n);
  }
  const auto num_logits = static_cast<int64_t>(input.logits_rows.size());
  if (num_logits == 0) return;
  last_.SetShape(num_logits, n);
  for (int64_t i = 0; i < num_logits; ++i) {
    const float* source = hidden_.row(input.logits_rows[static_cast<size_t>(i)]);
    std::copy(source, source + n, last_.row(i));
  }
  norm_.Forward(ctx, last_.data(), num_logits, last_.data());
  ctx.Observe("decoder.norm", last_.data(), num_logits, n);
  head_.Forward(ctx, last_.data(), n, num_logits, logits, config_.vocab_size);
}

}  // namespace mao::deepseek_ocr
