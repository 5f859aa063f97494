// Turns verified checkpoint tensors into layers, one at a time, and lets go of their pages.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_

#include <initializer_list>
#include <string>

#include "layers/linear.h"
#include "layers/mlp.h"
#include "layers/norm.h"
#include "weights/checkpoint.h"

namespace mao::deepseek_ocr {

// All names must have passed VerifyTensors; an unknown one is an internal error.
class WeightLoader {
 public:
  WeightLoader(const Checkpoint& checkpoint, DType dtype, ThreadPool& pool)
      : checkpoint_(checkpoint), dtype_(dtype), pool_(pool) {}

  Result<TensorView> Tensor(const std::string& name) const;
  Result<FloatMatrix> Floats(const std::string& name) const;
  Result<LayerNormLayer> LayerNorm(const std::string& name, float eps) const;
  Result<RmsNormLayer> RmsNorm(const std::string& name, float eps) const;
  // The weights NAME.weight stacked, with NAME.bias if with_bias.
  Result<Linear> Stacked(std::initializer_list<std::string> names, bool with_bias) const;
  // A single NAME.weight kept in float: routers, whose choices must not flip by rounding.
  Result<Linear> FloatLinear(const std::string& name) const;
  Result<GatedMlp> Mlp(const std::string& name) const;

  // How a tensor is packed: bfloat16 stays bfloat16, whatever the arithmetic, since that loses
  // nothing; other types follow the format asked for.
  DType PackedType(const TensorView& tensor) const {
    return tensor.dtype == DType::kBF16 ? DType::kBF16 : dtype_;
  }
  ThreadPool& pool() const { return pool_; }
  void Forget(const TensorView& tensor) const { checkpoint_.Forget(tensor); }

 private:
  const Checkpoint& checkpoint_;
  DType dtype_;
  ThreadPool& pool_;
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_WEIGHT_LOADER_H_
