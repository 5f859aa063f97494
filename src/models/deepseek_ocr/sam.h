// The SAM tower of DeepSeek-OCR with its 16x compressor.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_SAM_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_SAM_H_

#include <array>
#include <map>
#include <vector>

#include "layers/conv2d.h"
#include "layers/vit_block.h"
#include "models/deepseek_ocr/config.h"
#include "models/deepseek_ocr/weight_loader.h"
#include "vision/image.h"
#include "vision/normalize.h"

namespace mao::deepseek_ocr {

class Sam {
 public:
  // pixel_values: what the network sees for each byte of a pixel.
  static Result<Sam> Load(const SamConfig& config, const WeightLoader& loader,
                          const std::array<float, 256>& pixel_values = HalfRangeTable());

  // Final tokens per side of a view of `side` pixels (a multiple of 64).
  static int64_t TokensPerSide(int64_t side) { return side / SamConfig::kPatch / 4; }

  // Prepares tables and activations for views of `side` pixels.
  Status Reserve(ExecutionContext& ctx, int64_t side);

  // Encodes a square view of a reserved side to [t, t, downsample[1]] floats, channels last.
  void Forward(ExecutionContext& ctx, const Image& view, float* out);

 private:
  // What depends on the size of the view.
  struct SizeTables {
    FloatMatrix positions;  // [g * g, width]
    TokenGroups windows;
    TokenGroups whole;
    std::vector<RelativeTables> relative;  // per layer
  };

  void EmbedPatches(ExecutionContext& ctx, const Image& view, const SizeTables& tables);

  SamConfig config_;
  std::array<float, 256> pixel_values_ = {};
  Linear patch_embed_;
  FloatMatrix positions_;
  std::vector<VitBlock> blocks_;
  std::vector<FloatMatrix> relative_rows_;
  std::vector<FloatMatrix> relative_cols_;
  Conv2d neck_in_;
  LayerNormLayer neck_norm_in_;
  Conv2d neck_out_;
  LayerNormLayer neck_norm_out_;
  Conv2d downsample_1_;
  Conv2d downsample_2_;

  std::map<int64_t, SizeTables> tables_;  // by patches per side
  VitBlock::Workspace workspace_;
  FloatMatrix patches_;  // [g * g, 3 * 256]
  FloatMatrix x_;        // [g * g, width]
  FloatMatrix map_a_;    // maps of the neck
  FloatMatrix map_b_;
  FloatMatrix columns_;
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_SAM_H_
