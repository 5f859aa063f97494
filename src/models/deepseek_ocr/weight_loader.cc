#include "models/deepseek_ocr/weight_loader.h"

namespace mao::deepseek_ocr {

Result<TensorView> WeightLoader::Tensor(const std::string& name) const {
  const TensorView* tensor = checkpoint_.Find(name);
  if (tensor == nullptr) return InternalError("tensor " + name + " was not verified");
  return *tensor;
}

Result<FloatMatrix> WeightLoader::Floats(const std::string& name) const {
  MAO_ASSIGN_OR_RETURN(const TensorView tensor, Tensor(name));
  return ToFloatMatrix(tensor);
}

Result<LayerNormLayer> WeightLoader::LayerNorm(const std::string& name, float eps) const {
  MAO_ASSIGN_OR_RETURN(const TensorView weight, Tensor(name + ".weight"));
  MAO_ASSIGN_OR_RETURN(const TensorView bias, Tensor(name + ".bias"));
  return LayerNormLayer::Create(weight, bias, eps);
}

Result<RmsNormLayer> WeightLoader::RmsNorm(const std::string& name, float eps) const {
  MAO_ASSIGN_OR_RETURN(const TensorView weight, Tensor(name + ".weight"));
  return RmsNormLayer::Create(weight, eps);
}

Result<Linear> WeightLoader::Stacked(std::initializer_list<std::string> names,
                                     bool with_bias) const {
  return Pack(names, with_bias, quantization_);
}

Result<Linear> WeightLoader::Sensitive(std::initializer_list<std::string> names) const {
  return Pack(names, false,
              quantization_ == Quantization::kInt4 ? Quantization::kInt8 : quantization_);
}

Result<Linear> WeightLoader::Pack(std::initializer_list<std::string> names, bool with_bias,
                                  Quantization quantization) const {
  LinearBundle bundle;
  for (const std::string& name : names) {
    MAO_ASSIGN_OR_RETURN(bundle.weights.emplace_back(), Tensor(name + ".weight"));
    if (with_bias) {
      MAO_ASSIGN_OR_RETURN(bundle.biases.emplace_back(), Tensor(name + ".bias"));
    }
  }
  WeightFormat format = WeightFormat::kBF16;
  for (const TensorView& weight : bundle.weights) {
    if (FloatFormat(weight) != WeightFormat::kBF16) format = WeightFormat::kF32;
  }
  if (quantization == Quantization::kInt8) format = WeightFormat::kInt8;
  if (quantization == Quantization::kInt4) format = WeightFormat::kInt4;
  auto linear = Linear::Pack(bundle, format, pool_);
  if (!linear.ok()) {
    return linear.status().WithContext(checkpoint_.name() + ": " + *names.begin() + ".weight");
  }
  for (const TensorView& weight : bundle.weights) checkpoint_.Forget(weight);
  return linear;
}

Result<Linear> WeightLoader::FloatLinear(const std::string& name) const {
  MAO_ASSIGN_OR_RETURN(const TensorView weight, Tensor(name + ".weight"));
  return Linear::Pack({{weight}, {}}, WeightFormat::kF32, pool_);
}

Result<GatedMlp> WeightLoader::Mlp(const std::string& name) const {
  GatedMlp mlp;
  MAO_ASSIGN_OR_RETURN(mlp.gate_up, Stacked({name + ".gate_proj", name + ".up_proj"}, false));
  MAO_ASSIGN_OR_RETURN(mlp.down, Stacked({name + ".down_proj"}, false));
  return mlp;
}

}  // namespace mao::deepseek_ocr
