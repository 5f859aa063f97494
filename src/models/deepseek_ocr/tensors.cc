#include "models/deepseek_ocr/tensors.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace mao::deepseek_ocr {
namespace {

class SpecList {
 public:
  void Add(std::string name, std::initializer_list<int64_t> shape) {
    model_.tensors.push_back({std::move(name), Shape(shape)});
  }
  void AddWeightAndBias(const std::string& name, std::initializer_list<int64_t> weight_shape) {
    Add(name + ".weight", weight_shape);
    Add(name + ".bias", {*weight_shape.begin()});
  }
  void AddVisionLinear(const std::string& name, int64_t out, int64_t in) {
    AddWeightAndBias(name, {out, in});
    AddStack({name + ".weight"}, WeightRole::kVision);
  }
  void AddGatedMlp(const std::string& name, int64_t hidden, int64_t width) {
    Add(name + ".gate_proj.weight", {width, hidden});
    Add(name + ".up_proj.weight", {width, hidden});
    Add(name + ".down_proj.weight", {hidden, width});
    AddStack({name + ".gate_proj.weight", name + ".up_proj.weight"}, WeightRole::kLanguage);
    AddStack({name + ".down_proj.weight"}, WeightRole::kLanguage);
  }
  // Tensors that are in the list already make up one layer.
  void AddStack(std::vector<std::string> weights, WeightRole role) {
    model_.linears.push_back({std::move(weights), role});
  }
  ModelTensors Take() { return std::move(model_); }

 private:
  ModelTensors model_;
};

void AddSam(const SamConfig& sam, SpecList& specs) {
  const std::string at = "model.sam_model.";
  const int64_t width = sam.width;
  specs.AddWeightAndBias(at + "patch_embed.proj", {width, 3, SamConfig::kPatch, SamConfig::kPatch});
  specs.Add(at + "pos_embed", {1, sam.grid, sam.grid, width});
  for (int64_t i = 0; i < sam.layers; ++i) {
    const std::string block = fmt::format("{}blocks.{}.", at, i);
    specs.AddWeightAndBias(block + "norm1", {width});
    specs.AddWeightAndBias(block + "norm2", {width});
    specs.AddVisionLinear(block + "attn.qkv", 3 * width, width);
    specs.AddVisionLinear(block + "attn.proj", width, width);
    const int64_t side = sam.IsGlobal(i) ? sam.grid : SamConfig::kWindow;
    specs.Add(block + "attn.rel_pos_h", {2 * side - 1, sam.head_dim()});
    specs.Add(block + "attn.rel_pos_w", {2 * side - 1, sam.head_dim()});
    specs.AddVisionLinear(block + "mlp.lin1", SamConfig::kMlpRatio * width, width);
    specs.AddVisionLinear(block + "mlp.lin2", width, SamConfig::kMlpRatio * width);
  }
  specs.Add(at + "neck.0.weight", {sam.neck, width, 1, 1});
  specs.AddWeightAndBias(at + "neck.1", {sam.neck});
  specs.Add(at + "neck.2.weight", {sam.neck, sam.neck, 3, 3});
  specs.AddWeightAndBias(at + "neck.3", {sam.neck});
  specs.Add(at + "net_2.weight", {sam.downsample[0], sam.neck, 3, 3});
  specs.Add(at + "net_3.weight", {sam.downsample[1], sam.downsample[0], 3, 3});
}

void AddClip(const ClipConfig& clip, SpecList& specs) {
  const std::string at = "model.vision_model.";
  const int64_t width = clip.width;
  specs.Add(at + "embeddings.class_embedding", {width});
  specs.Add(at + "embeddings.patch_embedding.weight", {width, 3, clip.patch, clip.patch});
  specs.Add(at + "embeddings.position_embedding.weight", {clip.grid * clip.grid + 1, width});
  specs.AddWeightAndBias(at + "pre_layrnorm", {width});
  for (int64_t i = 0; i < clip.layers; ++i) {
    const std::string layer = fmt::format("{}transformer.layers.{}.", at, i);
    specs.AddWeightAndBias(layer + "layer_norm1", {width});
    specs.AddWeightAndBias(layer + "layer_norm2", {width});
    specs.AddVisionLinear(layer + "self_attn.qkv_proj", 3 * width, width);
    specs.AddVisionLinear(layer + "self_attn.out_proj", width, width);
    specs.AddVisionLinear(layer + "mlp.fc1", ClipConfig::kMlpRatio * width, width);
    specs.AddVisionLinear(layer + "mlp.fc2", width, ClipConfig::kMlpRatio * width);
  }
}

void AddDecoder(const DecoderConfig& decoder, SpecList& specs) {
  const int64_t hidden = decoder.hidden_size;
  const int64_t kv_width = decoder.num_kv_heads * decoder.head_dim();
  specs.Add("model.embed_tokens.weight", {decoder.vocab_size, hidden});
  specs.Add("lm_head.weight", {decoder.vocab_size, hidden});
  specs.AddStack({"lm_head.weight"}, WeightRole::kSensitive);
  specs.Add("model.norm.weight", {hidden});
  for (int64_t i = 0; i < decoder.num_layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    specs.Add(layer + "input_layernorm.weight", {hidden});
    specs.Add(layer + "post_attention_layernorm.weight", {hidden});
    specs.Add(layer + "self_attn.q_proj.weight", {hidden, hidden});
    specs.Add(layer + "self_attn.k_proj.weight", {kv_width, hidden});
    specs.Add(layer + "self_attn.v_proj.weight", {kv_width, hidden});
    specs.Add(layer + "self_attn.o_proj.weight", {hidden, hidden});
    specs.AddStack({layer + "self_attn.q_proj.weight", layer + "self_attn.k_proj.weight",
                    layer + "self_attn.v_proj.weight"},
                   WeightRole::kSensitive);
    specs.AddStack({layer + "self_attn.o_proj.weight"}, WeightRole::kSensitive);
    if (!decoder.IsMoe(i)) {
      specs.AddGatedMlp(layer + "mlp", hidden, decoder.intermediate_size);
      continue;
    }
    specs.Add(layer + "mlp.gate.weight", {decoder.num_experts, hidden});
    specs.AddStack({layer + "mlp.gate.weight"}, WeightRole::kRouter);
    for (int64_t e = 0; e < decoder.num_experts; ++e) {
      specs.AddGatedMlp(fmt::format("{}mlp.experts.{}", layer, e), hidden,
                        decoder.moe_intermediate_size);
    }
    if (decoder.num_shared_experts > 0) {
      specs.AddGatedMlp(layer + "mlp.shared_experts", hidden,
                        decoder.num_shared_experts * decoder.moe_intermediate_size);
    }
  }
}

}  // namespace

ModelTensors Tensors(const Config& config) {
  SpecList specs;
  AddSam(config.sam, specs);
  AddClip(config.clip, specs);
  AddDecoder(config.decoder, specs);
  const int64_t hidden = config.decoder.hidden_size;
  specs.AddVisionLinear("model.projector.layers", hidden, config.projector_in);
  specs.Add("model.image_newline", {hidden});
  specs.Add("model.view_seperator", {hidden});
  return specs.Take();
}

}  // namespace mao::deepseek_ocr
