#include "models/deepseek_ocr/vision_tower.h"

#include <algorithm>

namespace mao::deepseek_ocr {

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

Status VisionTower::Reserve(ExecutionContext& ctx, int64_t side) {
  const int64_t t = Sam::TokensPerSide(side);
  MAO_RETURN_IF_ERROR(sam_.Reserve(ctx, side));
  MAO_RETURN_IF_ERROR(clip_.Reserve(ctx, t));
  MAO_RETURN_IF_ERROR(sam_out_.Reserve(t * t, sam_width_));
  MAO_RETURN_IF_ERROR(joined_.Reserve(t * t, clip_width_ + sam_width_));
  MAO_RETURN_IF_ERROR(projected_.Reserve(t * t, hidden_size_));
  return ctx.scratch.Reserve(DotScratchBytes(t * t, projector_.in_features()));
}

void VisionTower::EncodeView(ExecutionContext& ctx, const Image& view, float* target,
                             int64_t line) {
  const int64_t t = Sam::TokensPerSide(view.width);
  sam_.Forward(ctx, view, sam_out_.data());
  const float* clip = clip_.Forward(ctx, sam_out_.data(), t);
  ctx.Observe("clip", clip, 1 + t * t, clip_width_);
  joined_.SetShape(t * t, clip_width_ + sam_width_);
  for (int64_t i = 0; i < t * t; ++i) {
    const float* clip_row = clip + (1 + i) * clip_width_;  // without the class token
    const float* sam_row = sam_out_.data() + i * sam_width_;
    std::copy(clip_row, clip_row + clip_width_, joined_.row(i));
    std::copy(sam_row, sam_row + sam_width_, joined_.row(i) + clip_width_);
  }
  projector_.Forward(ctx, joined_.data(), joined_.cols(), t * t, projected_.data(), hidden_size_);
  ctx.Observe("projector", projected_.data(), t * t, hidden_size_);
  for (int64_t y = 0; y < t; ++y) {
    const float* source = projected_.data() + y * t * hidden_size_;
    std::copy(source, source + t * hidden_size_, target + y * line * hidden_size_);
  }
}

Status VisionTower::Encode(ExecutionContext& ctx, const PreparedImage& image, float* rows) {
  MAO_RETURN_IF_ERROR(Reserve(ctx, image.global.width));
  if (!image.tiles.empty()) MAO_RETURN_IF_ERROR(Reserve(ctx, image.tiles[0].width));
  float* next = rows;
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
      EncodeView(ctx, image.tiles[k], next + (row * tile * line + column * tile) * hidden_size_,
                 line);
    }
    add_newlines(image.tile_rows * tile, line);
  }
  const int64_t t = Sam::TokensPerSide(image.global.width);
  EncodeView(ctx, image.global, next, t + 1);
  add_newlines(t, t + 1);
  std::copy(separator_.data(), separator_.data() + hidden_size_, next);
  return OkStatus();
}

}  // namespace mao::deepseek_ocr
