// Any bytes as a config.json: what is accepted has sizes that the loader can compute with, and a
// list of tensors that stays small.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "models/deepseek_ocr/tensors.h"
#include "models/registry.h"

namespace {

// The limits of config.cc: 512 layers in each tower, 32,768 experts of three tensors.
constexpr size_t kMaxTensors = 512 * (14 + 12 + 12) + 3 * 32768 + 64;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckDecoder(const mao::deepseek_ocr::DecoderConfig& decoder) {
  Require(decoder.head_dim() > 0 && decoder.head_dim() * decoder.num_heads == decoder.hidden_size);
  Require(decoder.num_heads % decoder.num_kv_heads == 0);
  Require(decoder.experts_per_token <= decoder.num_experts);
  Require(decoder.rope_theta >= 1.0 && decoder.rms_norm_eps > 0.0f);
}

// Every layer stacks tensors of the list.
void CheckLinears(const mao::ModelTensors& model) {
  std::map<std::string_view, mao::Shape> shapes;
  for (const mao::TensorSpec& spec : model.tensors) shapes.emplace(spec.name, spec.shape);
  for (const mao::LinearSpec& linear : model.linears) {
    Require(!linear.weights.empty());
    for (const std::string& weight : linear.weights) {
      const auto shape = shapes.find(weight);
      Require(shape != shapes.end() && shape->second.rank() == 2);
      Require(shape->second.dim(1) == shapes.find(linear.weights.front())->second.dim(1));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto config = mao::deepseek_ocr::ParseConfig(json, "fuzz");
  const auto expected = mao::ExpectedTensors(json, "fuzz");
  if (!config.ok()) {
    Require(!expected.ok() && config.status().message().starts_with("fuzz"));
    return 0;
  }
  CheckDecoder(config->decoder);
  Require(config->bos_token_id < config->decoder.vocab_size);
  Require(config->eos_token_id < config->decoder.vocab_size);
  CheckLinears(mao::deepseek_ocr::Tensors(*config));
  if (!expected.ok()) return 0;  // of another architecture
  Require(expected->size() <= kMaxTensors);
  for (const mao::TensorSpec& spec : *expected) Require(spec.shape.num_elements() > 0);
  return 0;
}
