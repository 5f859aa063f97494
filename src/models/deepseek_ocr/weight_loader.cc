#include "models/deepseek_ocr/weight_loader.h"

#include <span>
#include <utility>
#include <vector>

namespace mao::deepseek_ocr {

Result<TensorView> WeightLoader::Tensor(const std::string& name) const {
  const TensorView* tensor = stored_.checkpoint().Find(name);
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

Result<Linear> WeightLoader::VisionLinear(const std::string& name) const {
  return Load({name}, WeightRole::kVision, true);
}

Result<Linear> WeightLoader::Stacked(std::initializer_list<std::string> names,
                                     WeightRole role) const {
  return Load(names, role, false);
}

Result<Linear> WeightLoader::Load(std::initializer_list<std::string> names, WeightRole role,
                                  bool with_bias) const {
  std::vector<std::string> weights;
  std::vector<TensorView> biases;
  for (const std::string& name : names) {
    weights.push_back(name + ".weight");
    if (with_bias) {
      MAO_ASSIGN_OR_RETURN(biases.emplace_back(), Tensor(name + ".bias"));
    }
  }
  const PackedWeights* packed = stored_.FindPacked(weights);
  auto linear = packed != nullptr ? Linear::FromPacked(*packed, biases)
                                  : Pack(weights, role, std::move(biases));
  if (linear.ok()) return linear;
  return linear.status().WithContext(stored_.checkpoint().name() + ": " + weights.front());
}

Result<Linear> WeightLoader::Pack(std::span<const std::string> weights, WeightRole role,
                                  std::vector<TensorView> biases) const {
  LinearBundle bundle;
  bundle.biases = std::move(biases);
  for (const std::string& weight : weights) {
    MAO_ASSIGN_OR_RETURN(bundle.weights.emplace_back(), Tensor(weight));
  }
  MAO_ASSIGN_OR_RETURN(
      Linear linear,
      Linear::Pack(bundle, FormatOf(role, quantization_, dtype_, bundle.weights), pool_));
  for (const TensorView& weight : bundle.weights) stored_.checkpoint().Forget(weight);
  return linear;
}

Result<GatedMlp> WeightLoader::Mlp(const std::string& name) const {
  GatedMlp mlp;
  MAO_ASSIGN_OR_RETURN(mlp.gate_up,
                       Stacked({name + ".gate_proj", name + ".up_proj"}, WeightRole::kLanguage));
  MAO_ASSIGN_OR_RETURN(mlp.down, Stacked({name + ".down_proj"}, WeightRole::kLanguage));
  return mlp;
}

}  // namespace mao::deepseek_ocr
