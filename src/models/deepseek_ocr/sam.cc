#include "models/deepseek_ocr/sam.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "layers/position_table.h"

namespace mao::deepseek_ocr {
namespace {

constexpr int64_t kPatchValues = 3 * SamConfig::kPatch * SamConfig::kPatch;

Result<VitBlock> LoadBlock(const SamConfig& config, const std::string& at,
                           const WeightLoader& loader) {
  VitBlock block;
  block.num_heads = config.heads;
  block.act = Activation::kGelu;
  MAO_ASSIGN_OR_RETURN(block.norm1, loader.LayerNorm(at + "norm1", SamConfig::kEps));
  MAO_ASSIGN_OR_RETURN(block.norm2, loader.LayerNorm(at + "norm2", SamConfig::kEps));
  MAO_ASSIGN_OR_RETURN(block.qkv, loader.VisionLinear(at + "attn.qkv"));
  MAO_ASSIGN_OR_RETURN(block.proj, loader.VisionLinear(at + "attn.proj"));
  MAO_ASSIGN_OR_RETURN(block.fc1, loader.VisionLinear(at + "mlp.lin1"));
  MAO_ASSIGN_OR_RETURN(block.fc2, loader.VisionLinear(at + "mlp.lin2"));
  MAO_ASSIGN_OR_RETURN(block.padding, loader.Floats(at + "attn.qkv.bias"));
  return block;
}

Result<Conv2d> LoadConv(const std::string& name, int64_t stride, int64_t padding,
                        const WeightLoader& loader) {
  MAO_ASSIGN_OR_RETURN(const TensorView weight, loader.Tensor(name + ".weight"));
  return Conv2d::Create(weight, stride, padding, loader.FloatFormat(weight), loader.pool());
}

}  // namespace

Result<Sam> Sam::Load(const SamConfig& config, const WeightLoader& loader,
                      const std::array<float, 256>& pixel_values) {
  Sam sam;
  sam.pixel_values_ = pixel_values;
  sam.config_ = config;
  const std::string at = "model.sam_model.";
  // A patch convolution whose stride is its kernel is a product of [width, 3 * 256] with patches
  // laid out channel by channel, the order the weights already have.
  MAO_ASSIGN_OR_RETURN(TensorView patch_weight, loader.Tensor(at + "patch_embed.proj.weight"));
  MAO_ASSIGN_OR_RETURN(const TensorView patch_bias, loader.Tensor(at + "patch_embed.proj.bias"));
  patch_weight.shape = Shape({config.width, kPatchValues});
  MAO_ASSIGN_OR_RETURN(sam.patch_embed_,
                       Linear::Pack({{patch_weight}, {patch_bias}},
                                    loader.FloatFormat(patch_weight), loader.pool()));
  MAO_ASSIGN_OR_RETURN(sam.positions_, loader.Floats(at + "pos_embed"));
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string block = fmt::format("{}blocks.{}.", at, i);
    MAO_ASSIGN_OR_RETURN(sam.blocks_.emplace_back(), LoadBlock(config, block, loader));
    MAO_ASSIGN_OR_RETURN(sam.relative_rows_.emplace_back(),
                         loader.Floats(block + "attn.rel_pos_h"));
    MAO_ASSIGN_OR_RETURN(sam.relative_cols_.emplace_back(),
                         loader.Floats(block + "attn.rel_pos_w"));
  }
  MAO_ASSIGN_OR_RETURN(sam.neck_in_, LoadConv(at + "neck.0", 1, 0, loader));
  MAO_ASSIGN_OR_RETURN(sam.neck_norm_in_, loader.LayerNorm(at + "neck.1", SamConfig::kEps));
  MAO_ASSIGN_OR_RETURN(sam.neck_out_, LoadConv(at + "neck.2", 1, 1, loader));
  MAO_ASSIGN_OR_RETURN(sam.neck_norm_out_, loader.LayerNorm(at + "neck.3", SamConfig::kEps));
  MAO_ASSIGN_OR_RETURN(sam.downsample_1_, LoadConv(at + "net_2", 2, 1, loader));
  MAO_ASSIGN_OR_RETURN(sam.downsample_2_, LoadConv(at + "net_3", 2, 1, loader));
  return sam;
}

Status Sam::Reserve(ExecutionContext& ctx, int64_t side) {
  const int64_t g = side / SamConfig::kPatch;
  const int64_t tokens = g * g;
  if (!tables_.contains(g)) {
    SizeTables tables;
    MAO_ASSIGN_OR_RETURN(tables.positions, ResizeGridBicubic(positions_, config_.grid, g));
    tables.windows = Windows(g, SamConfig::kWindow);
    tables.whole = ConsecutiveGroups(0, 1, tokens);
    for (int64_t i = 0; i < config_.layers; ++i) {
      const auto at = static_cast<size_t>(i);
      MAO_ASSIGN_OR_RETURN(tables.relative.emplace_back(),
                           RelativeTables::Create(relative_rows_[at], relative_cols_[at],
                                                  config_.IsGlobal(i) ? g : SamConfig::kWindow));
    }
    tables_.emplace(g, std::move(tables));
  }
  const SizeTables& tables = tables_.at(g);
  MAO_RETURN_IF_ERROR(workspace_.Reserve(blocks_[0], tokens));
  MAO_RETURN_IF_ERROR(patches_.Reserve(tokens, kPatchValues));
  MAO_RETURN_IF_ERROR(x_.Reserve(tokens, config_.width));
  const int64_t widest = std::max(config_.neck, config_.downsample[0]);
  MAO_RETURN_IF_ERROR(map_a_.Reserve(tokens, widest));
  MAO_RETURN_IF_ERROR(map_b_.Reserve(tokens, widest));
  size_t scratch = DotScratchBytes(tokens, kPatchValues);
  scratch = std::max({scratch, blocks_[0].ScratchBytes(tokens, {&tables.whole, 1}, g),
                      blocks_[0].ScratchBytes(tokens, {&tables.windows, 1}, SamConfig::kWindow)});
  int64_t conv_side = g;
  size_t columns_rows = 0;
  int64_t columns_depth = 0;
  for (const Conv2d* conv : {&neck_in_, &neck_out_, &downsample_1_, &downsample_2_}) {
    columns_rows = std::max(columns_rows, static_cast<size_t>(conv->RowsPerBand(conv_side)));
    columns_depth = std::max(columns_depth, conv->depth());
    conv_side = conv->OutputSide(conv_side);
  }
  scratch = std::max(scratch, DotScratchBytes(static_cast<int64_t>(columns_rows), columns_depth));
  MAO_RETURN_IF_ERROR(columns_.Reserve(static_cast<int64_t>(columns_rows), columns_depth));
  return ctx.scratch.Reserve(scratch);
}

void Sam::EmbedPatches(ExecutionContext& ctx, const Image& view, const SizeTables& tables) {
  const int64_t g = view.width / SamConfig::kPatch;
  ctx.pool.ParallelFor(static_cast<size_t>(g * g), [&](size_t item, size_t) {
    const auto patch = static_cast<int64_t>(item);
    const int64_t top = patch / g * SamConfig::kPatch;
    const int64_t left = patch % g * SamConfig::kPatch;
    float* target = patches_.data() + patch * kPatchValues;
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < SamConfig::kPatch; ++y) {
        const uint8_t* source = view.rgb.data() + ((top + y) * view.width + left) * 3 + c;
        for (int64_t x = 0; x < SamConfig::kPatch; ++x) *target++ = pixel_values_[source[3 * x]];
      }
    }
  });
  const int64_t width = config_.width;
  patch_embed_.Forward(ctx, patches_.data(), kPatchValues, g * g, x_.data(), width);
  ctx.Observe("sam.patch_embed", x_.data(), g * g, width);
  const float* positions = tables.positions.data();
  for (int64_t i = 0; i < g * g * width; ++i) x_.data()[i] += positions[i];
}

void Sam::Forward(ExecutionContext& ctx, const Image& view, float* out) {
  const int64_t g = view.width / SamConfig::kPatch;
  const int64_t tokens = g * g;
  const SizeTables& tables = tables_.at(g);
  EmbedPatches(ctx, view, tables);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const bool global = config_.IsGlobal(static_cast<int64_t>(i));
    const RelativePositions relative = tables.relative[i].view();
    const TokenGroups& groups = global ? tables.whole : tables.windows;
    blocks_[i].Forward(ctx, {&groups, 1}, &relative, tokens, x_.data(), workspace_);
    if (ctx.observer) {
      ctx.Observe(fmt::format("sam.block.{}", i), x_.data(), tokens, config_.width);
    }
  }
  float* a = map_a_.data();
  float* b = map_b_.data();
  neck_in_.Forward(ctx, x_.data(), g, a, columns_);
  neck_norm_in_.Forward(ctx, a, tokens, a);
  neck_out_.Forward(ctx, a, g, b, columns_);
  neck_norm_out_.Forward(ctx, b, tokens, b);
  ctx.Observe("sam.neck", b, tokens, config_.neck);
  downsample_1_.Forward(ctx, b, g, a, columns_);
  ctx.Observe("sam.net_2", a, tokens / 4, config_.downsample[0]);
  downsample_2_.Forward(ctx, a, g / 2, out, columns_);
  ctx.Observe("sam", out, tokens / 16, config_.downsample[1]);
}

}  // namespace mao::deepseek_ocr
