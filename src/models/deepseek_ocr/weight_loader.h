// Turns verified checkpoint tensors into layers, one at a time, and lets go of their pages.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "layers/linear.h"
#include "layers/mlp.h"
#include "layers/norm.h"
#include "models/stored_weights.h"

namespace mao::deepseek_ocr {

// All names must be in Tensors(config); an unknown one is an internal error. Linear layers of a
// packed checkpoint, and what Tensor returns, lie in the checkpoint, which must outlive them.
class WeightLoader {
 public:
  // Weights that are not bfloat16 already become `dtype` (kBF16 or kF32); those of the language
  // model become integers where `quantization` says so. Packed weights are as they are.
  WeightLoader(const StoredWeights& stored, DType dtype, Quantization quantization,
               ThreadPool& pool)
      : stored_(stored), dtype_(dtype), quantization_(quantization), pool_(pool) {}

  Result<TensorView> Tensor(const std::string& name) const;
  Result<FloatMatrix> Floats(const std::string& name) const;
  Result<LayerNormLayer> LayerNorm(const std::string& name, float eps) const;
  Result<RmsNormLayer> RmsNorm(const std::string& name, float eps) const;
  // NAME.weight and NAME.bias of a vision tower or the projector.
  Result<Linear> VisionLinear(const std::string& name) const;
  // The weights NAME.weight stacked, without biases.
  Result<Linear> Stacked(std::initializer_list<std::string> names, WeightRole role) const;
  Result<GatedMlp> Mlp(const std::string& name) const;

  // How a tensor is packed that is no linear layer's.
  WeightFormat FloatFormat(const TensorView& tensor) const {
    return FormatOf(WeightRole::kVision, quantization_, dtype_, {&tensor, 1});
  }
  ThreadPool& pool() const { return pool_; }

 private:
  Result<Linear> Load(std::initializer_list<std::string> names, WeightRole role,
                      bool with_bias) const;
  Result<Linear> Pack(std::span<const std::string> weights, WeightRole role,
                      std::vector<TensorView> biases) const;

  const StoredWeights& stored_;
  DType dtype_;
  Quantization quantization_;
  ThreadPool& pool_;
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
