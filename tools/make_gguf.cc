// A DeepSeek-OCR checkpoint as GGUF files for llama.cpp, to measure it beside us with the same
// dimensions. llama.cpp's own converter is the one to use for reading pages.
//
//   maoocr-make-gguf CHECKPOINT_FOLDER OUTPUT_FOLDER
//
// Writes text-bf16.gguf and mmproj-f16.gguf.
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "gguf_writer.h"
#include "models/deepseek_ocr/config.h"
#include "weights/checkpoint.h"

namespace mao {
namespace {

using deepseek_ocr::Config;
using nlohmann::json;

// Copies tensors under other names; notes those that are missing.
class Copier {
 public:
  Copier(const Checkpoint& checkpoint, GgufWriter& writer)
      : checkpoint_(checkpoint), writer_(writer) {}

  void Copy(const std::string& from, const std::string& to, GgufType type) {
    Stack({from}, to, type);
  }
  void Stack(const std::vector<std::string>& from, const std::string& to, GgufType type) {
    std::vector<TensorView> parts;
    for (const std::string& name : from) {
      const TensorView* const tensor = checkpoint_.Find(name);
      if (tensor == nullptr) {
        missing_ += " " + name;
        return;
      }
      parts.push_back(*tensor);
    }
    writer_.AddTensor(to, std::move(parts), type);
  }
  // A weight of that type and a bias of floats.
  void Layer(const std::string& from, const std::string& to, GgufType type) {
    Copy(from + ".weight", to + ".weight", type);
    Copy(from + ".bias", to + ".bias", GgufType::kF32);
  }
  Status status() const {
    if (missing_.empty()) return OkStatus();
    return NotFoundError(checkpoint_.name() + ": has no" + missing_);
  }

 private:
  const Checkpoint& checkpoint_;
  GgufWriter& writer_;
  std::string missing_;
};

Status AddTokenizer(const Checkpoint& checkpoint, int64_t vocab_size, GgufWriter& writer) {
  MAO_ASSIGN_OR_RETURN(const std::string_view text, checkpoint.File("tokenizer.json"));
  const json tokenizer = json::parse(text);
  constexpr int32_t kNormal = 1;
  constexpr int32_t kControl = 3;
  constexpr int32_t kUserDefined = 4;
  constexpr int32_t kUnused = 5;
  std::vector<std::string> tokens(static_cast<size_t>(vocab_size));
  std::vector<int32_t> types(static_cast<size_t>(vocab_size), kUnused);
  for (size_t id = 0; id < tokens.size(); ++id) tokens[id] = fmt::format("[PAD{}]", id);
  for (const auto& [token, id] : tokenizer.at("model").at("vocab").items()) {
    tokens.at(id) = token;
    types.at(id) = kNormal;
  }
  for (const json& added : tokenizer.at("added_tokens")) {
    const size_t id = added.at("id");
    tokens.at(id) = added.at("content");
    types.at(id) = added.at("special").get<bool>() ? kControl : kUserDefined;
  }
  std::vector<std::string> merges;
  for (const json& merge : tokenizer.at("model").at("merges")) {
    merges.push_back(merge.is_string()
                         ? merge.get<std::string>()
                         : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  writer.Add("tokenizer.ggml.model", std::string_view("gpt2"));
  writer.Add("tokenizer.ggml.pre", std::string_view("deepseek-v3"));
  writer.Add("tokenizer.ggml.tokens", tokens);
  writer.Add("tokenizer.ggml.token_type", types);
  writer.Add("tokenizer.ggml.merges", merges);
  return OkStatus();
}

uint32_t U32(int64_t value) { return static_cast<uint32_t>(value); }

Status WriteText(const Checkpoint& checkpoint, const Config& config, const std::string& path) {
  const deepseek_ocr::DecoderConfig& decoder = config.decoder;
  GgufWriter writer;
  const std::string name = "deepseek2-ocr";
  const auto key = [&](const char* rest) { return name + "." + rest; };
  writer.Add("general.architecture", std::string_view(name));
  writer.Add("general.file_type", uint32_t{32});  // mostly bfloat16
  writer.Add("general.quantization_version", uint32_t{2});
  writer.Add(key("context_length"), U32(decoder.max_positions));
  writer.Add(key("embedding_length"), U32(decoder.hidden_size));
  writer.Add(key("block_count"), U32(decoder.num_layers));
  writer.Add(key("feed_forward_length"), U32(decoder.intermediate_size));
  writer.Add(key("attention.head_count"), U32(decoder.num_heads));
  writer.Add(key("attention.head_count_kv"), U32(decoder.num_kv_heads));
  writer.Add(key("attention.key_length"), U32(decoder.head_dim()));
  writer.Add(key("attention.value_length"), U32(decoder.head_dim()));
  writer.Add(key("rope.freq_base"), static_cast<float>(decoder.rope_theta));
  writer.Add(key("rope.dimension_count"), U32(decoder.head_dim()));
  writer.Add(key("attention.layer_norm_rms_epsilon"), decoder.rms_norm_eps);
  writer.Add(key("expert_count"), U32(decoder.num_experts));
  writer.Add(key("expert_used_count"), U32(decoder.experts_per_token));
  writer.Add(key("expert_shared_count"), U32(decoder.num_shared_experts));
  writer.Add(key("expert_feed_forward_length"), U32(decoder.moe_intermediate_size));
  writer.Add(key("expert_weights_scale"), decoder.routed_scaling_factor);
  writer.Add(key("expert_weights_norm"), decoder.norm_topk_prob);
  writer.Add(key("leading_dense_block_count"), U32(decoder.first_moe_layer));
  writer.Add(key("vocab_size"), U32(decoder.vocab_size));
  MAO_RETURN_IF_ERROR(AddTokenizer(checkpoint, decoder.vocab_size, writer));
  writer.Add("tokenizer.ggml.bos_token_id", U32(config.bos_token_id));
  writer.Add("tokenizer.ggml.eos_token_id", U32(config.eos_token_id));
  writer.Add("tokenizer.ggml.add_bos_token", true);

  Copier copier(checkpoint, writer);
  constexpr GgufType kMatrix = GgufType::kBF16;
  copier.Copy("model.embed_tokens.weight", "token_embd.weight", kMatrix);
  copier.Copy("model.norm.weight", "output_norm.weight", GgufType::kF32);
  copier.Copy("lm_head.weight", "output.weight", kMatrix);
  for (int64_t i = 0; i < decoder.num_layers; ++i) {
    const std::string from = fmt::format("model.layers.{}.", i);
    const std::string to = fmt::format("blk.{}.", i);
    copier.Copy(from + "input_layernorm.weight", to + "attn_norm.weight", GgufType::kF32);
    copier.Copy(from + "post_attention_layernorm.weight", to + "ffn_norm.weight", GgufType::kF32);
    for (const auto& [ours, theirs] :
         std::map<std::string, std::string>{{"q_proj", "attn_q"},
                                            {"k_proj", "attn_k"},
                                            {"v_proj", "attn_v"},
                                            {"o_proj", "attn_output"}}) {
      copier.Copy(from + "self_attn." + ours + ".weight", to + theirs + ".weight", kMatrix);
    }
    for (const std::string part : {"gate", "up", "down"}) {
      const std::string weight = "." + part + "_proj.weight";
      if (!decoder.IsMoe(i)) {
        copier.Copy(from + "mlp" + weight, to + "ffn_" + part + ".weight", kMatrix);
        continue;
      }
      std::vector<std::string> experts;
      for (int64_t e = 0; e < decoder.num_experts; ++e) {
        experts.push_back(fmt::format("{}mlp.experts.{}{}", from, e, weight));
      }
      copier.Stack(experts, to + "ffn_" + part + "_exps.weight", kMatrix);
      copier.Copy(from + "mlp.shared_experts" + weight, to + "ffn_" + part + "_shexp.weight",
                  kMatrix);
    }
    if (decoder.IsMoe(i)) {
      copier.Copy(from + "mlp.gate.weight", to + "ffn_gate_inp.weight", GgufType::kF32);
    }
  }
  MAO_RETURN_IF_ERROR(copier.status());
  return writer.Write(path);
}

void CopySam(const deepseek_ocr::SamConfig& sam, Copier& copier) {
  constexpr GgufType kMatrix = GgufType::kF16;
  constexpr GgufType kFloat = GgufType::kF32;
  const std::string from = "model.sam_model.";
  copier.Copy(from + "pos_embed", "v.sam.pos_embd.weight", kFloat);
  copier.Layer(from + "patch_embed.proj", "v.sam.patch_embd", kMatrix);
  for (int64_t i = 0; i < sam.layers; ++i) {
    const std::string block = fmt::format("{}blocks.{}.", from, i);
    const std::string to = fmt::format("v.sam.blk.{}.", i);
    copier.Layer(block + "norm1", to + "pre_ln", kFloat);
    copier.Layer(block + "norm2", to + "post_ln", kFloat);
    copier.Copy(block + "attn.rel_pos_h", to + "attn.pos_h.weight", kFloat);
    copier.Copy(block + "attn.rel_pos_w", to + "attn.pos_w.weight", kFloat);
    copier.Layer(block + "attn.qkv", to + "attn.qkv", kMatrix);
    copier.Layer(block + "attn.proj", to + "attn.out", kMatrix);
    copier.Layer(block + "mlp.lin1", to + "mlp.lin1", kMatrix);
    copier.Layer(block + "mlp.lin2", to + "mlp.lin2", kMatrix);
  }
  copier.Copy(from + "neck.0.weight", "v.sam.neck.0.weight", kFloat);
  copier.Layer(from + "neck.1", "v.sam.neck.1", kFloat);
  copier.Copy(from + "neck.2.weight", "v.sam.neck.2.weight", kFloat);
  copier.Layer(from + "neck.3", "v.sam.neck.3", kFloat);
  copier.Copy(from + "net_2.weight", "v.sam.net_2.weight", kFloat);
  copier.Copy(from + "net_3.weight", "v.sam.net_3.weight", kFloat);
}

void CopyClip(const deepseek_ocr::ClipConfig& clip, Copier& copier) {
  constexpr GgufType kMatrix = GgufType::kF16;
  constexpr GgufType kFloat = GgufType::kF32;
  const std::string from = "model.vision_model.";
  copier.Copy(from + "embeddings.class_embedding", "v.class_embd", kFloat);
  copier.Copy(from + "embeddings.patch_embedding.weight", "v.patch_embd.weight", kFloat);
  copier.Copy(from + "embeddings.position_embedding.weight", "v.position_embd.weight", kFloat);
  copier.Layer(from + "pre_layrnorm", "v.pre_ln", kFloat);
  for (int64_t i = 0; i < clip.layers; ++i) {
    const std::string layer = fmt::format("{}transformer.layers.{}.", from, i);
    const std::string to = fmt::format("v.blk.{}.", i);
    copier.Layer(layer + "layer_norm1", to + "ln1", kFloat);
    copier.Layer(layer + "layer_norm2", to + "ln2", kFloat);
    copier.Layer(layer + "self_attn.qkv_proj", to + "attn_qkv", kMatrix);
    copier.Layer(layer + "self_attn.out_proj", to + "attn_out", kMatrix);
    copier.Layer(layer + "mlp.fc1", to + "ffn_up", kMatrix);
    copier.Layer(layer + "mlp.fc2", to + "ffn_down", kMatrix);
  }
}

Status WriteVision(const Checkpoint& checkpoint, const Config& config, const std::string& path) {
  constexpr float kHalf[] = {0.5f, 0.5f, 0.5f};
  GgufWriter writer;
  writer.Add("general.architecture", std::string_view("clip"));
  writer.Add("general.file_type", uint32_t{1});  // mostly float16
  writer.Add("general.quantization_version", uint32_t{2});
  writer.Add("clip.has_vision_encoder", true);
  writer.Add("clip.projector_type", std::string_view("deepseekocr"));
  writer.Add("clip.vision.projection_dim", U32(config.decoder.hidden_size));
  writer.Add("clip.vision.image_size", uint32_t{1024});
  writer.Add("clip.vision.patch_size", U32(deepseek_ocr::SamConfig::kPatch));
  writer.Add("clip.vision.embedding_length", U32(config.clip.width));
  writer.Add("clip.vision.feed_forward_length",
             U32(deepseek_ocr::ClipConfig::kMlpRatio * config.clip.width));
  writer.Add("clip.vision.block_count", U32(config.clip.layers));
  writer.Add("clip.vision.attention.head_count", U32(config.clip.heads));
  writer.Add("clip.vision.attention.layer_norm_epsilon", 1e-6f);
  writer.Add("clip.vision.image_mean", std::span(kHalf));
  writer.Add("clip.vision.image_std", std::span(kHalf));
  writer.Add("clip.use_gelu", true);
  writer.Add("clip.vision.window_size", U32(deepseek_ocr::SamConfig::kWindow));
  writer.Add("clip.vision.sam.block_count", U32(config.sam.layers));
  writer.Add("clip.vision.sam.embedding_length", U32(config.sam.width));
  writer.Add("clip.vision.sam.head_count", U32(config.sam.heads));
  Copier copier(checkpoint, writer);
  CopySam(config.sam, copier);
  CopyClip(config.clip, copier);
  copier.Layer("model.projector.layers", "mm.model.fc", GgufType::kF16);
  copier.Copy("model.image_newline", "v.image_newline", GgufType::kF32);
  copier.Copy("model.view_seperator", "v.view_seperator", GgufType::kF32);
  MAO_RETURN_IF_ERROR(copier.status());
  return writer.Write(path);
}

Status Run(const std::string& folder, const std::filesystem::path& output) {
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(folder));
  MAO_ASSIGN_OR_RETURN(const std::string_view text, checkpoint.File("config.json"));
  MAO_ASSIGN_OR_RETURN(const Config config, deepseek_ocr::ParseConfig(text, folder));
  std::filesystem::create_directories(output);
  MAO_RETURN_IF_ERROR(WriteText(checkpoint, config, output / "text-bf16.gguf"));
  return WriteVision(checkpoint, config, output / "mmproj-f16.gguf");
}

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: maoocr-make-gguf CHECKPOINT_FOLDER OUTPUT_FOLDER\n");
    return 2;
  }
  const mao::Status status = mao::Run(argv[1], argv[2]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
