// The CLIP tower of DeepSeek-OCR; its patches are SAM's tokens.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_

#include <map>
#include <vector>

#include "layers/vit_block.h"
#include "models/deepseek_ocr/config.h"
#include "models/deepseek_ocr/weight_loader.h"

namespace mao::deepseek_ocr {

class Clip {
 public:
  static Result<Clip> Load(const ClipConfig& config, const WeightLoader& loader);

  // Prepares tables and activations for t x t tokens.
  Status Reserve(ExecutionContext& ctx, int64_t tokens_per_side);

  // sam: [t * t, width]; the result is [1 + t * t, width], class token first, and stays valid until
  // the next call.
  const float* Forward(ExecutionContext& ctx, const float* sam, int64_t tokens_per_side);

 private:
  struct SizeTables {
    FloatMatrix positions;  // [t * t, width]
    TokenGroups groups;
  };

  ClipConfig config_;
  FloatMatrix class_embedding_;
  FloatMatrix class_position_;
  FloatMatrix positions_;  // [grid * grid, width]
  LayerNormLayer pre_norm_;
  std::vector<VitBlock> blocks_;

  std::map<int64_t, SizeTables> tables_;  // by tokens per side
  VitBlock::Workspace workspace_;
  FloatMatrix x_;  // [1 + t * t, width]
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_CLIP_H_
