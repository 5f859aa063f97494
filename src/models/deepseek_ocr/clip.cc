#include "models/deepseek_ocr/clip.h"

#include <algorithm>
#include <utility>

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

int64_t NumTokensOf(std::span<const int64_t> sides) {
  int64_t tokens = 0;
  for (const int64_t side : sides) tokens += Clip::NumTokens(side);
  return tokens;
}

// Each view attends within itself; neighbours of equal size are groups of one attention.
std::vector<TokenGroups> GroupsOf(std::span<const int64_t> sides) {
  std::vector<TokenGroups> groups;
  int64_t first_token = 0;
  for (size_t i = 0; i < sides.size();) {
    size_t end = i + 1;
    while (end < sides.size() && sides[end] == sides[i]) ++end;
    const auto num_views = static_cast<int64_t>(end - i);
    const int64_t tokens = Clip::NumTokens(sides[i]);
    groups.push_back(ConsecutiveGroups(first_token, num_views, tokens));
    first_token += num_views * tokens;
    i = end;
  }
  return groups;
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

Status Clip::Reserve(ExecutionContext& ctx, std::span<const int64_t> sides) {
  for (const int64_t side : sides) {
    if (resized_positions_.contains(side)) continue;
    MAO_ASSIGN_OR_RETURN(FloatMatrix positions, ResizeGridBicubic(positions_, config_.grid, side));
    resized_positions_.emplace(side, std::move(positions));
  }
  const int64_t tokens = NumTokensOf(sides);
  MAO_RETURN_IF_ERROR(workspace_.Reserve(blocks_[0], tokens));
  MAO_RETURN_IF_ERROR(x_.Reserve(tokens, config_.width));
  return ctx.scratch.Reserve(blocks_[0].ScratchBytes(tokens, GroupsOf(sides), /*side=*/0));
}

const float* Clip::Forward(ExecutionContext& ctx, const float* sam,
                           std::span<const int64_t> sides) {
  Embed(sam, sides);
  Observe(ctx, "clip.embeddings", sides);
  const int64_t tokens = NumTokensOf(sides);
  const std::vector<TokenGroups> groups = GroupsOf(sides);
  pre_norm_.Forward(ctx, x_.data(), tokens, x_.data());
  Observe(ctx, "clip.pre_layrnorm", sides);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].Forward(ctx, groups, /*relative=*/nullptr, tokens, x_.data(), workspace_);
    if (ctx.observer) Observe(ctx, fmt::format("clip.layer.{}", i), sides);
  }
  Observe(ctx, "clip", sides);
  return x_.data();
}

void Clip::Embed(const float* sam, std::span<const int64_t> sides) {
  const int64_t width = config_.width;
  float* x = x_.data();
  for (const int64_t side : sides) {
    const float* positions = resized_positions_.at(side).data();
    const int64_t grid_values = side * side * width;
    for (int64_t i = 0; i < width; ++i) {
      *x++ = class_embedding_.data()[i] + class_position_.data()[i];
    }
    for (int64_t i = 0; i < grid_values; ++i) x[i] = sam[i] + positions[i];
    x += grid_values;
    sam += grid_values;
  }
}

void Clip::Observe(const ExecutionContext& ctx, std::string_view stage,
                   std::span<const int64_t> sides) const {
  const float* x = x_.data();
  for (const int64_t side : sides) {
    ctx.Observe(stage, x, NumTokens(side), config_.width);
    x += NumTokens(side) * config_.width;
  }
}

}  // namespace mao::deepseek_ocr
