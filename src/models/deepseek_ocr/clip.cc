#include "models/deepseek_ocr/clip.h"

#include <algorithm>
#include <cmath>
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

// Neighbours of equal size are groups of one attention: visit(first token, views, tokens of each).
template <typename Visit>
void ForEachRun(std::span<const int64_t> sides, const Visit& visit) {
  int64_t first_token = 0;
  for (size_t i = 0; i < sides.size();) {
    size_t end = i + 1;
    while (end < sides.size() && sides[end] == sides[i]) ++end;
    const auto num_views = static_cast<int64_t>(end - i);
    const int64_t tokens = Clip::NumTokens(sides[i]);
    visit(first_token, num_views, tokens);
    first_token += num_views * tokens;
    i = end;
  }
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
  for (auto row = static_cast<int32_t>(rows_.size()); row < tokens; ++row) rows_.push_back(row);
  MAO_RETURN_IF_ERROR(workspace_.Reserve(blocks_[0], tokens));
  MAO_RETURN_IF_ERROR(x_.Reserve(tokens, config_.width));
  const VitBlock& block = blocks_[0];
  size_t scratch = DotScratchBytes(tokens, std::max(block.width(), block.fc2.in_features()));
  ForEachRun(sides, [&](int64_t, int64_t num_views, int64_t view_tokens) {
    scratch = std::max(scratch, DenseAttentionScratchBytes(num_views, view_tokens, block.num_heads,
                                                           block.head_dim(), /*side=*/0));
  });
  return ctx.scratch.Reserve(scratch);
}

const float* Clip::Forward(ExecutionContext& ctx, const float* sam,
                           std::span<const int64_t> sides) {
  Embed(sam, sides);
  Observe(ctx, "clip.embeddings", sides);
  const int64_t tokens = NumTokensOf(sides);
  pre_norm_.Forward(ctx, x_.data(), tokens, x_.data());
  Observe(ctx, "clip.pre_layrnorm", sides);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ForwardBlock(ctx, blocks_[i], sides, tokens);
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

// VitBlock::Forward for views of different sizes: one attention for each run of equal ones.
void Clip::ForwardBlock(ExecutionContext& ctx, const VitBlock& block,
                        std::span<const int64_t> sides, int64_t tokens) {
  const int64_t width = block.width();
  float* x = x_.data();
  float* norm = workspace_.norm.data();
  block.norm1.Forward(ctx, x, tokens, norm);
  block.qkv.Forward(ctx, norm, width, tokens, workspace_.qkv.data(), 3 * width);
  ForEachRun(sides, [&](int64_t first_token, int64_t num_views, int64_t view_tokens) {
    DenseAttentionArgs args;
    args.qkv = workspace_.qkv.data() + first_token * 3 * width;
    args.qkv_stride = 3 * width;
    args.rows = rows_.data();
    args.num_groups = num_views;
    args.group_size = view_tokens;
    args.num_heads = block.num_heads;
    args.head_dim = block.head_dim();
    args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(block.head_dim())));
    args.compute = ctx.compute;
    args.out = workspace_.context.data() + first_token * width;
    args.out_stride = width;
    DenseAttention(args, ctx.scratch.bytes(), ctx.pool);
  });
  block.proj.Forward(ctx, workspace_.context.data(), width, tokens, x, width, Activation::kNone,
                     /*accumulate=*/true);
  block.norm2.Forward(ctx, x, tokens, norm);
  Linear::ForwardBoth(ctx, block.fc1, block.act, block.fc2, norm, tokens, x,
                      reinterpret_cast<std::byte*>(workspace_.mlp.data()));
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
