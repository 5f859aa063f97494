#include "models/deepseek_ocr/clip.h"

#include <algorithm>

#include <fmt/core.h>

#include "layers/position_table.h"

namespace mao::deepseek_ocr {
namespace {

Result<VitBlock> LoadBlock(const ClipConfig& config, const std::string& at,
                           const WeightLoader& loader) {
  VitBlock block;
  block.num_heads = config.heads;
  block.act = Activation::kQuickGelu;
  MAO_ASSIGN_OR_RETURN(block.norm1, loader.LayerNorm(at + "layer_norm1", ClipConfig::kEps));
  MAO_ASSIGN_OR_RETURN(block.norm2, loader.LayerNorm(at + "layer_norm2", ClipConfig::kEps));
  MAO_ASSIGN_OR_RETURN(block.qkv, loader.VisionLinear(at + "self_attn.qkv_proj"));
  MAO_ASSIGN_OR_RETURN(block.proj, loader.VisionLinear(at + "self_attn.out_proj"));
  MAO_ASSIGN_OR_RETURN(block.fc1, loader.VisionLinear(at + "mlp.fc1"));
  MAO_ASSIGN_OR_RETURN(block.fc2, loader.VisionLinear(at + "mlp.fc2"));
  return block;
}

}  // namespace

Result<Clip> Clip::Load(const ClipConfig& config, const WeightLoader& loader) {
  Clip clip;
  clip.config_ = config;
  const std::string at = "model.vision_model.";
  MAO_ASSIGN_OR_RETURN(clip.class_embedding_, loader.Floats(at + "embeddings.class_embedding"));
  MAO_ASSIGN_OR_RETURN(const FloatMatrix positions,
                       loader.Floats(at + "embeddings.position_embedding.weight"));
  const int64_t width = config.width;
  const int64_t grid_tokens = config.grid * config.grid;
  MAO_RETURN_IF_ERROR(clip.class_position_.Reserve(1, width));
  MAO_RETURN_IF_ERROR(clip.positions_.Reserve(grid_tokens, width));
  std::copy(positions.row(0), positions.row(1), clip.class_position_.data());
  std::copy(positions.row(1), positions.row(grid_tokens + 1), clip.positions_.data());
  MAO_ASSIGN_OR_RETURN(clip.pre_norm_, loader.LayerNorm(at + "pre_layrnorm", ClipConfig::kEps));
  for (int64_t i = 0; i < config.layers; ++i) {
    MAO_ASSIGN_OR_RETURN(clip.blocks_.emplace_back(),
                         LoadBlock(config, fmt::format("{}transformer.layers.{}.", at, i), loader));
  }
  return clip;
}

Status Clip::Reserve(ExecutionContext& ctx, int64_t tokens_per_side) {
  const int64_t tokens = 1 + tokens_per_side * tokens_per_side;
  if (!tables_.contains(tokens_per_side)) {
    SizeTables tables;
    MAO_ASSIGN_OR_RETURN(tables.positions,
                         ResizeGridBicubic(positions_, config_.grid, tokens_per_side));
    tables.groups = OneGroup(tokens);
    tables_.emplace(tokens_per_side, std::move(tables));
  }
  MAO_RETURN_IF_ERROR(workspace_.Reserve(blocks_[0], tokens));
  MAO_RETURN_IF_ERROR(x_.Reserve(tokens, config_.width));
  return ctx.scratch.Reserve(
      blocks_[0].ScratchBytes(tokens, tables_.at(tokens_per_side).groups, 0));
}

const float* Clip::Forward(ExecutionContext& ctx, const float* sam, int64_t tokens_per_side) {
  const SizeTables& tables = tables_.at(tokens_per_side);
  const int64_t width = config_.width;
  const int64_t grid_values = tokens_per_side * tokens_per_side * width;
  const int64_t tokens = 1 + tokens_per_side * tokens_per_side;
  float* x = x_.data();
  for (int64_t i = 0; i < width; ++i) x[i] = class_embedding_.data()[i] + class_position_.data()[i];
  for (int64_t i = 0; i < grid_values; ++i) x[width + i] = sam[i] + tables.positions.data()[i];
  ctx.Observe("clip.embeddings", x, tokens, width);
  pre_norm_.Forward(ctx, x, tokens, x);
  ctx.Observe("clip.pre_layrnorm", x, tokens, width);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].Forward(ctx, tables.groups, nullptr, tokens, x, workspace_);
    if (ctx.observer) ctx.Observe(fmt::format("clip.layer.{}", i), x, tokens, width);
  }
  return x;
}

}  // namespace mao::deepseek_ocr
