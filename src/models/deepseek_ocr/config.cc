#include "models/deepseek_ocr/config.h"

#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "layers/self_attention.h"
#include "weights/json_reader.h"

namespace mao::deepseek_ocr {
namespace {

// Bounds that keep every size below within 64 bits and every loop finite; real models are far away.
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxLayers = 512;
constexpr int64_t kMaxVocabulary = 1 << 22;
constexpr int64_t kMaxPositions = 1 << 20;

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
  decoder.vocab_size = reader.RequiredInt(key("vocab_size"), 1, kMaxVocabulary);
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
  const auto key = [&](std::string_view suffix) { return LanguageKey(reader, suffix); };
  const auto refuse = [&](std::string_view what) {
    return UnimplementedError(fmt::format("{}: {} is not supported", name, what));
  };
  if (reader.Bool(key("use_mla"), false)) return refuse("use_mla (latent attention)");
  if (reader.Bool(key("attention_bias"), false)) return refuse("attention_bias");
  if (reader.Bool(key("tie_word_embeddings"), false)) return refuse("tie_word_embeddings");
  if (reader.Has(key("rope_scaling"))) return refuse("rope_scaling");
  if (reader.Int(key("moe_layer_freq"), 1, 1, kMaxLayers) != 1)
    return refuse("moe_layer_freq above 1");
  if (reader.Int(key("n_group"), 1, 1, 1024) != 1) return refuse("n_group above 1");
  if (reader.String(key("topk_method"), "greedy") != "greedy")
    return refuse("topk_method other than greedy");
  if (reader.String(key("scoring_func"), "softmax") != "softmax") {
    return refuse("scoring_func other than softmax");
  }
  if (reader.String(key("hidden_act"), "silu") != "silu")
    return refuse("hidden_act other than silu");
  if (reader.String("projector_config.projector_type", "linear") != "linear") {
    return refuse("projector_type other than linear");
  }
  return OkStatus();
}

// Relations between sizes.
Status CheckSizes(const Config& config, std::string_view name) {
  const auto need = [&](bool holds, std::string_view what) {
    return holds ? OkStatus() : InvalidArgumentError(fmt::format("{}: {}", name, what));
  };
  const DecoderConfig& decoder = config.decoder;
  MAO_RETURN_IF_ERROR(
      need(decoder.hidden_size % decoder.num_heads == 0 && decoder.head_dim() % 32 == 0 &&
               decoder.head_dim() <= kMaxHeadDim,
           fmt::format("hidden_size {} over {} heads must give heads of a multiple of "
                       "32 up to {} channels",
                       decoder.hidden_size, decoder.num_heads, kMaxHeadDim)));
  MAO_RETURN_IF_ERROR(need(decoder.num_heads % decoder.num_kv_heads == 0,
                           "num_attention_heads must be a multiple of num_key_value_heads"));
  for (const auto& [width, heads, tower] :
       {std::tuple{config.sam.width, config.sam.heads, "sam_vit_b"},
        {config.clip.width, config.clip.heads, "clip-l-14-224"}}) {
    MAO_RETURN_IF_ERROR(
        need(width % heads == 0 && width / heads % 16 == 0 && width / heads <= kMaxHeadDim,
             fmt::format("{}: width {} over {} heads must give heads of a multiple of "
                         "16 up to {} channels",
                         tower, width, heads, kMaxHeadDim)));
  }
  MAO_RETURN_IF_ERROR(
      need(config.sam.downsample.size() == 2, "downsample_channels must have 2 entries"));
  MAO_RETURN_IF_ERROR(need(config.sam.downsample[1] == config.clip.width,
                           "the last of downsample_channels must be the width of clip-l-14-224"));
  return need(config.projector_in == config.clip.width + config.sam.downsample[1],
              "projector_config.input_dim must be the widths of both towers together");
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
  config.bos_token_id = static_cast<int32_t>(
      reader.Int(LanguageKey(reader, "bos_token_id"), 0, 0, std::max<int64_t>(last_id, 0)));
  config.eos_token_id = static_cast<int32_t>(
      reader.Int(LanguageKey(reader, "eos_token_id"), 1, 0, std::max<int64_t>(last_id, 1)));
  config.boxes_in_padded_square = reader.String("maoocr.box_space", "image") == "padded_square";
  MAO_RETURN_IF_ERROR(reader.status());
  if (projector_out != config.decoder.hidden_size) {
    return InvalidArgumentError(fmt::format("{}: projector_config.n_embed is {}, hidden_size is {}",
                                            name, projector_out, config.decoder.hidden_size));
  }
  MAO_RETURN_IF_ERROR(CheckSizes(config, name));
  return config;
}

}  // namespace mao::deepseek_ocr
