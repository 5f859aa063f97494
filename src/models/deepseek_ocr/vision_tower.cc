#include "models/deepseek_ocr/vision_tower.h"

#include <algorithm>

namespace mao::deepseek_ocr {
namespace {

// A page of the most tiles, nine of 640 pixels and a view of 1024, is one batch. Its activations in
// CLIP and the projector take 66 MB at the released dimensions, less than half of what SAM needs
// for a view of 1024; with so many rows the products no longer wait for weights.
constexpr int64_t kMaxClipTokens = 9 * (1 + 10 * 10) + (1 + 16 * 16);

}  // namespace

Result<VisionTower> VisionTower::Load(const Config& config, const WeightLoader& loader,
                                      const std::array<float, 256>& pixel_values) {
  VisionTower tower;
  tower.hidden_size_ = config.decoder.hidden_size;
  tower.sam_width_ = config.sam.downsample[1];
  tower.clip_width_ = config.clip.width;
  MAO_ASSIGN_OR_RETURN(tower.sam_, Sam::Load(config.sam, loader, pixel_values));
  MAO_ASSIGN_OR_RETURN(tower.clip_, Clip::Load(config.clip, loader));
  MAO_ASSIGN_OR_RETURN(tower.projector_, loader.VisionLinear("model.projector.layers"));
  MAO_ASSIGN_OR_RETURN(tower.newline_, loader.Floats("model.image_newline"));
  MAO_ASSIGN_OR_RETURN(tower.separator_, loader.Floats("model.view_seperator"));
  return tower;
}

int64_t VisionTower::NumRows(int64_t global_side, int64_t tile_side, int64_t columns,
                             int64_t rows) {
  const int64_t t = Sam::TokensPerSide(global_side);
  const int64_t tile = Sam::TokensPerSide(tile_side);
  const int64_t local = rows * tile * (columns * tile + 1);
  return (columns * rows > 0 ? local : 0) + t * (t + 1) + 1;
}

void VisionTower::AddView(const View& view, std::vector<Batch>& batches) {
  const int64_t side = Sam::TokensPerSide(view.pixels->width);
  const int64_t clip_tokens = Clip::NumTokens(side);
  if (batches.empty() || batches.back().num_clip_tokens + clip_tokens > kMaxClipTokens) {
    batches.emplace_back();
  }
  Batch& batch = batches.back();
  batch.views.push_back(view);
  batch.sides.push_back(side);
  batch.num_clip_tokens += clip_tokens;
  batch.num_tokens += side * side;
}

void VisionTower::Assemble(const EncodeItem& item, std::vector<Batch>& batches) const {
  const PreparedImage& image = *item.image;
  float* next = item.rows;
  const auto add_newlines = [&](int64_t num_lines, int64_t line) {
    for (int64_t y = 0; y < num_lines; ++y) {
      std::copy(newline_.data(), newline_.data() + hidden_size_,
                next + ((y + 1) * line - 1) * hidden_size_);
    }
    next += num_lines * line * hidden_size_;
  };
  if (!image.tiles.empty()) {
    const int64_t tile = Sam::TokensPerSide(image.tiles[0].width);
    const int64_t line = image.tile_columns * tile + 1;
    for (size_t k = 0; k < image.tiles.size(); ++k) {
      const int64_t row = static_cast<int64_t>(k) / image.tile_columns;
      const int64_t column = static_cast<int64_t>(k) % image.tile_columns;
      AddView({&image.tiles[k], next + (row * tile * line + column * tile) * hidden_size_, line},
              batches);
    }
    add_newlines(image.tile_rows * tile, line);
  }
  const int64_t t = Sam::TokensPerSide(image.global.width);
  AddView({&image.global, next, t + 1}, batches);
  add_newlines(t, t + 1);
  std::copy(separator_.data(), separator_.data() + hidden_size_, next);
}

Status VisionTower::Reserve(ExecutionContext& ctx, const Batch& batch) {
  for (const View& view : batch.views) MAO_RETURN_IF_ERROR(sam_.Reserve(ctx, view.pixels->width));
  MAO_RETURN_IF_ERROR(clip_.Reserve(ctx, batch.sides));
  MAO_RETURN_IF_ERROR(sam_out_.Reserve(batch.num_tokens, sam_width_));
  MAO_RETURN_IF_ERROR(joined_.Reserve(batch.num_tokens, clip_width_ + sam_width_));
  MAO_RETURN_IF_ERROR(projected_.Reserve(batch.num_tokens, hidden_size_));
  return ctx.scratch.Reserve(DotScratchBytes(batch.num_tokens, projector_.in_features()));
}

void VisionTower::EncodeBatch(ExecutionContext& ctx, const Batch& batch) {
  float* sam_out = sam_out_.data();
  for (size_t i = 0; i < batch.views.size(); ++i) {
    sam_.Forward(ctx, *batch.views[i].pixels, sam_out);
    sam_out += batch.sides[i] * batch.sides[i] * sam_width_;
  }
  const float* clip_row = clip_.Forward(ctx, sam_out_.data(), batch.sides);
  const float* sam_row = sam_out_.data();
  joined_.SetShape(batch.num_tokens, clip_width_ + sam_width_);
  float* joined = joined_.data();
  for (const int64_t side : batch.sides) {
    clip_row += clip_width_;  // the class token
    for (int64_t i = 0; i < side * side; ++i) {
      joined = std::copy(clip_row, clip_row + clip_width_, joined);
      joined = std::copy(sam_row, sam_row + sam_width_, joined);
      clip_row += clip_width_;
      sam_row += sam_width_;
    }
  }
  projector_.Forward(ctx, joined_.data(), joined_.cols(), batch.num_tokens, projected_.data(),
                     hidden_size_);
  const float* source = projected_.data();
  for (size_t i = 0; i < batch.views.size(); ++i) {
    const View& view = batch.views[i];
    const int64_t side = batch.sides[i];
    ctx.Observe("projector", source, side * side, hidden_size_);
    for (int64_t y = 0; y < side; ++y, source += side * hidden_size_) {
      std::copy(source, source + side * hidden_size_, view.target + y * view.line * hidden_size_);
    }
  }
}

Status VisionTower::Encode(ExecutionContext& ctx, std::span<const EncodeItem> images) {
  std::vector<Batch> batches;
  for (const EncodeItem& item : images) Assemble(item, batches);
  for (const Batch& batch : batches) MAO_RETURN_IF_ERROR(Reserve(ctx, batch));
  for (const Batch& batch : batches) EncodeBatch(ctx, batch);
  return OkStatus();
}

}  // namespace mao::deepseek_ocr
