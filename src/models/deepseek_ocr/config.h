// Configuration of DeepSeek-OCR checkpoints (arXiv 2510.18234).
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_CONFIG_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_CONFIG_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao::deepseek_ocr {

// SAM ViT-B: 16-pixel patches, windows of 14 except in the global layers, then a neck and two
// convolutions of stride 2, which leave a sixteenth of the tokens.
struct SamConfig {
  static constexpr int64_t kPatch = 16;
  static constexpr int64_t kWindow = 14;
  static constexpr int64_t kMlpRatio = 4;  // mlp_ratio of config.json is not what the weights have
  static constexpr float kEps = 1e-6f;
  int64_t width = 768;
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t neck = 256;
  int64_t grid = 64;  // patches per side of the learned positions
  std::vector<int64_t> downsample = {512, 1024};
  std::vector<int64_t> global_layers = {2, 5, 8, 11};

  int64_t head_dim() const { return width / heads; }
  bool IsGlobal(int64_t layer) const;
};

// CLIP-L without its patch embedding (SAM's map takes its place) and without a last norm.
struct ClipConfig {
  static constexpr int64_t kMlpRatio = 4;
  static constexpr float kEps = 1e-5f;
  int64_t width = 1024;
  int64_t layers = 24;
  int64_t heads = 16;
  int64_t patch = 14;  // of the unused patch embedding
  int64_t grid = 16;   // positions per side, beside the class token's
};

// DeepSeek-V2 decoder without latent attention.
struct DecoderConfig {
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t intermediate_size = 0;      // of dense layers
  int64_t moe_intermediate_size = 0;  // of one expert
  int64_t num_experts = 0;            // 0: all layers are dense
  int64_t num_shared_experts = 0;
  int64_t experts_per_token = 0;
  int64_t first_moe_layer = 1;
  int64_t vocab_size = 0;
  int64_t max_positions = 8192;
  double rope_theta = 10000.0;
  float rms_norm_eps = 1e-6f;
  float routed_scaling_factor = 1.0f;
  bool norm_topk_prob = false;

  int64_t head_dim() const { return hidden_size / num_heads; }
  bool IsMoe(int64_t layer) const { return num_experts > 0 && layer >= first_moe_layer; }
};

struct Config {
  SamConfig sam;
  ClipConfig clip;
  DecoderConfig decoder;
  int64_t projector_in = 0;
  int32_t bos_token_id = 0;
  int32_t eos_token_id = 1;
  bool boxes_in_padded_square = false;
};

// Keys that a released config.json leaves out get the values of the reference code. Errors: all
// problems in one message (InvalidArgument), or Unimplemented for variants such as latent
// attention.
Result<Config> ParseConfig(std::string_view json, std::string_view name);

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_CONFIG_H_
