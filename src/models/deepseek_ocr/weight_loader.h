// Turns verified checkpoint tensors into layers, one at a time, and lets go of their pages.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_

#include <initializer_list>
#include <string>

#include "layers/linear.h"
#include "layers/mlp.h"
#include "layers/norm.h"
#include "models/quantization.h"
#include "weights/checkpoint.h"

namespace mao::deepseek_ocr {

// All names must have passed VerifyTensors; an unknown one is an internal error.
class WeightLoader {
 public:
  // Weights that are not bfloat16 already become `dtype` (kBF16 or kF32); those of Stacked become
  // integers where `quantization` says so.
  WeightLoader(const Checkpoint& checkpoint, DType dtype, Quantization quantization,
               ThreadPool& pool)
      : checkpoint_(checkpoint), dtype_(dtype), quantization_(quantization), pool_(pool) {}

  Result<TensorView> Tensor(const std::string& name) const;
  Result<FloatMatrix> Floats(const std::string& name) const;
  Result<LayerNormLayer> LayerNorm(const std::string& name, float eps) const;
  Result<RmsNormLayer> RmsNorm(const std::string& name, float eps) const;
  // The weights NAME.weight stacked, with NAME.bias if with_bias.
  Result<Linear> Stacked(std::initializer_list<std::string> names, bool with_bias) const;
  // The same without biases for weights whose errors every later token sees (attention, the head):
  // never fewer than 8 bits.
  Result<Linear> Sensitive(std::initializer_list<std::string> names) const;
  // A single NAME.weight kept in float: routers, whose choices must not flip by rounding.
  Result<Linear> FloatLinear(const std::string& name) const;
  Result<GatedMlp> Mlp(const std::string& name) const;

  // How a tensor is packed that is not quantised: bfloat16 stays bfloat16, whatever the arithmetic,
  // since that loses nothing; other types follow the format asked for.
  WeightFormat FloatFormat(const TensorView& tensor) const {
    return tensor.dtype == DType::kBF16 || dtype_ == DType::kBF16 ? WeightFormat::kBF16
                                                                  : WeightFormat::kF32;
  }
  ThreadPool& pool() const { return pool_; }
  void Forget(const TensorView& tensor) const { checkpoint_.Forget(tensor); }

 private:
  Result<Linear> Pack(std::initializer_list<std::string> names, bool with_bias,
                      Quantization quantization) const;

  const Checkpoint& checkpoint_;
  DType dtype_;
  Quantization quantization_;
  ThreadPool& pool_;
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
