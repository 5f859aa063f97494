#include "models/deepseek_ocr/config.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "layers/self_attention.h"
#include "weights/json_reader.h"

namespace mao::deepseek_ocr {
namespace {

// Bounds that keep every size below within 64 bits and every loop finite; real models are far away.
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxLayers = 512;
constexpr int64_t kMaxVocabulary = 1 << 22;
constexpr int64_t kMaxPositions = 1 << 20;
constexpr int64_t kMaxExpertsInAll = 1 << 15;  // each is three tensors: keeps their list small

// Decoder keys stand in language_config and, as a rule again, at the top level.
std::string LanguageKey(const JsonReader& reader, std::string_view key) {
  std::string nested = "language_config." + std::string(key);
  return reader.Has(nested) ? nested : std::string(key);
}

SamConfig ReadSam(JsonReader& reader) {
  SamConfig sam;
  const std::string at = "vision_config.width.sam_vit_b.";
  sam.width = reader.Int(at + "width", sam.width, 32, kMaxWidth);
  sam.layers = reader.Int(at + "layers", sam.layers, 1, kMaxLayers);
  sam.heads = reader.Int(at + "heads", sam.heads, 1, 1024);
  sam.neck = reader.Int(at + "neck_channels", sam.neck, 16, kMaxWidth);
  sam.downsample = reader.IntList(at + "downsample_channels", sam.downsample, 16, kMaxWidth, 2);
  sam.global_layers =
      reader.IntList(at + "global_attn_indexes", sam.global_layers, 0, kMaxLayers, kMaxLayers);
  sam.grid = reader.Int("vision_config.image_size", 1024, 64, 4096) / SamConfig::kPatch;
  return sam;
}

ClipConfig ReadClip(JsonReader& reader) {
  ClipConfig clip;
  const std::string at = "vision_config.width.clip-l-14-224.";
  clip.width = reader.Int(at + "width", clip.width, 32, kMaxWidth);
  clip.layers = reader.Int(at + "layers", clip.layers, 1, kMaxLayers);
  clip.heads = reader.Int(at + "heads", clip.heads, 1, 1024);
  clip.patch = reader.Int(at + "patch_size", clip.patch, 1, 64);
  clip.grid = reader.Int(at + "image_size", 224, 16, 4096) / clip.patch;
  return clip;
}

DecoderConfig ReadDecoder(JsonReader& reader) {
  DecoderConfig decoder;
  const auto key = [&](std::string_view name) { return LanguageKey(reader, name); };
  decoder.hidden_size = reader.RequiredInt(key("hidden_size"), 32, kMaxWidth);
  decoder.num_layers = reader.RequiredInt(key("num_hidden_layers"), 1, kMaxLayers);
  decoder.num_heads = reader.RequiredInt(key("num_attention_heads"), 1, 1024);
  decoder.num_kv_heads = reader.Int(key("num_key_value_heads"), decoder.num_heads, 1, 1024);
  decoder.intermediate_size = reader.RequiredInt(key("intermediate_size"), 32, 1 << 20);
  decoder.vocab_size = reader.RequiredInt(key("vocab_size"), 2, kMaxVocabulary);
  decoder.num_experts = reader.Int(key("n_routed_experts"), 0, 0, 256);
  if (decoder.num_experts > 0) {
    decoder.num_shared_experts = reader.Int(key("n_shared_experts"), 0, 0, 64);
    decoder.experts_per_token =
        reader.RequiredInt(key("num_experts_per_tok"), 1, decoder.num_experts);
    decoder.moe_intermediate_size = reader.RequiredInt(key("moe_intermediate_size"), 32, 1 << 20);
    decoder.first_moe_layer = reader.Int(key("first_k_dense_replace"), 0, 0, kMaxLayers);
  }
  decoder.max_positions = reader.Int(key("max_position_embeddings"), 8192, 1, kMaxPositions);
  decoder.rope_theta = reader.Double(key("rope_theta"), 10000.0, 1.0, 1e9);
  decoder.rms_norm_eps = static_cast<float>(reader.Double(key("rms_norm_eps"), 1e-6, 1e-12, 1e-1));
  decoder.routed_scaling_factor =
      static_cast<float>(reader.Double(key("routed_scaling_factor"), 1.0, 1e-6, 1e6));
  decoder.norm_topk_prob = reader.Bool(key("norm_topk_prob"), false);
  return decoder;
}

// Variants of the architecture family that the code does not compute.
Status CheckVariant(JsonReader& reader, std::string_view name) {
  std::vector<std::string_view> refused;
  const auto key = [&](std::string_view suffix) { return LanguageKey(reader, suffix); };
  const auto refuse = [&](bool is_there, std::string_view what) {
    if (is_there) refused.push_back(what);
  };
  refuse(reader.Bool(key("use_mla"), false), "use_mla (latent attention)");
  refuse(reader.Bool(key("attention_bias"), false), "attention_bias");
  refuse(reader.Bool(key("tie_word_embeddings"), false), "tie_word_embeddings");
  refuse(reader.Has(key("rope_scaling")), "rope_scaling");
  refuse(reader.Int(key("moe_layer_freq"), 1, 1, kMaxLayers) != 1, "moe_layer_freq above 1");
  refuse(reader.Int(key("n_group"), 1, 1, 1024) != 1, "n_group above 1");
  refuse(reader.String(key("topk_method"), "greedy") != "greedy", "topk_method other than greedy");
  refuse(reader.String(key("scoring_func"), "softmax") != "softmax",
         "scoring_func other than softmax");
  refuse(reader.String(key("hidden_act"), "silu") != "silu", "hidden_act other than silu");
  refuse(reader.String("projector_config.projector_type", "linear") != "linear",
         "projector_type other than linear");
  if (refused.empty()) return OkStatus();
  return UnimplementedError(fmt::format("{}: not supported: {}", name, fmt::join(refused, ", ")));
}

// Relations between sizes.
Status CheckSizes(const Config& config, int64_t projector_out, std::string_view name) {
  std::vector<std::string> problems;
  const auto need = [&](bool holds, std::string problem) {
    if (!holds) problems.push_back(std::move(problem));
  };
  const DecoderConfig& decoder = config.decoder;
  need(decoder.hidden_size % decoder.num_heads == 0 && decoder.head_dim() % 32 == 0 &&
           decoder.head_dim() <= kMaxHeadDim,
       fmt::format("hidden_size {} over {} heads must give heads of a multiple of 32 up to {} "
                   "channels",
                   decoder.hidden_size, decoder.num_heads, kMaxHeadDim));
  need(decoder.num_heads % decoder.num_kv_heads == 0,
       "num_attention_heads must be a multiple of num_key_value_heads");
  need(decoder.num_layers * decoder.num_experts <= kMaxExpertsInAll,
       fmt::format("num_hidden_layers {} times n_routed_experts {} is above the limit of {} "
                   "experts in all",
                   decoder.num_layers, decoder.num_experts, kMaxExpertsInAll));
  for (const auto& [width, heads, tower] :
       {std::tuple{config.sam.width, config.sam.heads, "sam_vit_b"},
        {config.clip.width, config.clip.heads, "clip-l-14-224"}}) {
    need(width % heads == 0 && width / heads % 16 == 0 && width / heads <= kMaxHeadDim,
         fmt::format("{}: width {} over {} heads must give heads of a multiple of 16 up to {} "
                     "channels",
                     tower, width, heads, kMaxHeadDim));
  }
  need(config.clip.grid >= 1, "clip-l-14-224: image_size must be at least patch_size");
  if (config.sam.downsample.size() != 2) {
    problems.emplace_back("downsample_channels must have 2 entries");
  } else {
    need(config.sam.downsample[1] == config.clip.width,
         "the last of downsample_channels must be the width of clip-l-14-224");
  }
  need(config.projector_in == 2 * config.clip.width,
       "projector_config.input_dim must be the widths of both towers together");
  need(projector_out == decoder.hidden_size,
       fmt::format("projector_config.n_embed is {}, hidden_size is {}", projector_out,
                   decoder.hidden_size));
  if (problems.empty()) return OkStatus();
  return InvalidArgumentError(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
}

}  // namespace

bool SamConfig::IsGlobal(int64_t layer) const {
  return std::find(global_layers.begin(), global_layers.end(), layer) != global_layers.end();
}

Result<Config> ParseConfig(std::string_view json, std::string_view name) {
  MAO_ASSIGN_OR_RETURN(JsonReader reader, JsonReader::Parse(json, name));
  MAO_RETURN_IF_ERROR(CheckVariant(reader, name));
  Config config;
  config.sam = ReadSam(reader);
  config.clip = ReadClip(reader);
  config.decoder = ReadDecoder(reader);
  config.projector_in = reader.Int("projector_config.input_dim", 2048, 32, 2 * kMaxWidth);
  const int64_t projector_out =
      reader.Int("projector_config.n_embed", config.decoder.hidden_size, 1, kMaxWidth);
  const int64_t last_id = config.decoder.vocab_size - 1;
  config.bos_token_id =
      static_cast<int32_t>(reader.Int(LanguageKey(reader, "bos_token_id"), 0, 0, last_id));
  config.eos_token_id =
      static_cast<int32_t>(reader.Int(LanguageKey(reader, "eos_token_id"), 1, 0, last_id));
  config.boxes_in_padded_square = reader.String("maoocr.box_space", "image") == "padded_square";
  MAO_RETURN_IF_ERROR(reader.status());
  MAO_RETURN_IF_ERROR(CheckSizes(config, projector_out, name));
  return config;
}

}  // namespace mao::deepseek_ocr
