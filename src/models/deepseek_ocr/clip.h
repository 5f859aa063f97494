// The CLIP tower of DeepSeek-OCR; its patches are SAM's tokens.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "layers/vit_block.h"
#include "models/deepseek_ocr/config.h"
#include "models/deepseek_ocr/weight_loader.h"

namespace mao::deepseek_ocr {

class Clip {
 public:
  static Result<Clip> Load(const ClipConfig& config, const WeightLoader& loader);

  // Tokens of a view of t x t patches: these and the class token.
  static int64_t NumTokens(int64_t patches_per_side) {
    return 1 + patches_per_side * patches_per_side;
  }

  // Prepares tables and activations for views that go through the tower together, of so many
  // patches per side each.
  Status Reserve(ExecutionContext& ctx, std::span<const int64_t> sides);

  // Views that were reserved together, one behind the other. sam: [t * t, width] of each; the result
  // is [1 + t * t, width] of each, class token first, and stays valid until the next call. The
  // weights are read once for all views; tokens attend within their view.
  const float* Forward(ExecutionContext& ctx, const float* sam, std::span<const int64_t> sides);

 private:
  void Embed(const float* sam, std::span<const int64_t> sides);
  // Shows the observer the activations of one view after the other.
  void Observe(const ExecutionContext& ctx, std::string_view stage,
               std::span<const int64_t> sides) const;

  ClipConfig config_;
  FloatMatrix class_embedding_;
  FloatMatrix class_position_;
  FloatMatrix positions_;  // [grid * grid, width]
  LayerNormLayer pre_norm_;
  std::vector<VitBlock> blocks_;

  std::map<int64_t, FloatMatrix> resized_positions_;  // [t * t, width] by t
  VitBlock::Workspace workspace_;
  FloatMatrix x_;  // [tokens of all views, width]
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_
