#include "models/deepseek_ocr/deepseek_ocr.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "models/deepseek_ocr/decoder.h"
#include "models/deepseek_ocr/processor.h"
#include "models/deepseek_ocr/tensors.h"
#include "models/deepseek_ocr/vision_tower.h"

namespace mao {
namespace deepseek_ocr {
namespace {

class DeepseekOcr final : public Model {
 public:
  DeepseekOcr(const Checkpoint& checkpoint, ModelInfo info, std::unique_ptr<Tokenizer> tokenizer,
              TokenId placeholder, bool boxes_in_padded_square, VisionTower vision, Decoder decoder)
      : checkpoint_(checkpoint),
        info_(std::move(info)),
        tokenizer_(std::move(tokenizer)),
        placeholder_(placeholder),
        boxes_in_padded_square_(boxes_in_padded_square),
        vision_(std::move(vision)),
        decoder_(std::move(decoder)) {}

  const ModelInfo& info() const override { return info_; }
  const Tokenizer& tokenizer() const override { return *tokenizer_; }

  Result<PreparedPrompt> Prepare(const Prompt& prompt, ThreadPool* pool) const override {
    PreparedPrompt prepared;
    prepared.image_offset = 1;  // after bos
    int64_t num_rows = 0;
    if (prompt.image != nullptr) {
      MAO_ASSIGN_OR_RETURN(PreparedImage image,
                           PrepareImage(*prompt.image, prompt.image_options, pool));
      image.boxes_in_padded_square = image.is_letterboxed && boxes_in_padded_square_;
      num_rows = image.num_rows;
      prepared.image = std::make_unique<PreparedImage>(std::move(image));
    }
    MAO_ASSIGN_OR_RETURN(prepared.token_ids, PromptTokens(*tokenizer_, info_.bos_token_id,
                                                          placeholder_, num_rows, prompt.text));
    return prepared;
  }

  Status Encode(ExecutionContext& ctx, std::span<const EncodeItem> images) override {
    return vision_.Encode(ctx, images);
  }

  Status ReserveForward(ExecutionContext& ctx, int64_t max_rows, int64_t max_sequences) override {
    return decoder_.Reserve(ctx, max_rows, max_sequences);
  }

  void Forward(ExecutionContext& ctx, const ForwardInput& input, KvCache& cache,
               float* logits) override {
    decoder_.Forward(ctx, input, cache, logits);
  }

 private:
  Checkpoint checkpoint_;  // which has the embeddings and, if packed, the weights
  ModelInfo info_;
  std::unique_ptr<Tokenizer> tokenizer_;
  TokenId placeholder_;
  bool boxes_in_padded_square_;
  VisionTower vision_;
  Decoder decoder_;
};

ModelInfo MakeInfo(const Config& config, const ModelTensors& tensors) {
  const DecoderConfig& decoder = config.decoder;
  ModelInfo info;
  info.architecture = "DeepseekOCRForCausalLM";
  for (const TensorSpec& tensor : tensors.tensors) {
    info.num_parameters += tensor.shape.num_elements();
  }
  info.vocab_size = decoder.vocab_size;
  info.hidden_size = decoder.hidden_size;
  info.num_layers = decoder.num_layers;
  info.num_kv_heads = decoder.num_kv_heads;
  info.head_dim = decoder.head_dim();
  info.max_model_len = decoder.max_positions;
  info.bos_token_id = config.bos_token_id;
  info.eos_token_ids = {config.eos_token_id};
  info.image_modes = ModeNames();
  info.details = {
      {"SAM",
       fmt::format("{} layers, width {}, {} heads, global attention in {}", config.sam.layers,
                   config.sam.width, config.sam.heads, config.sam.global_layers.size())},
      {"CLIP", fmt::format("{} layers, width {}, {} heads", config.clip.layers, config.clip.width,
                           config.clip.heads)},
      {"decoder", fmt::format("{} layers, width {}, {} heads of {}, {} kv heads",
                              decoder.num_layers, decoder.hidden_size, decoder.num_heads,
                              decoder.head_dim(), decoder.num_kv_heads)},
      {"experts", fmt::format("{} routed of width {}, {} chosen, {} shared", decoder.num_experts,
                              decoder.moe_intermediate_size, decoder.experts_per_token,
                              decoder.num_shared_experts)},
  };
  return info;
}

Result<std::unique_ptr<Model>> Load(const Checkpoint& checkpoint, const LoadOptions& options,
                                    ThreadPool& pool) {
  MAO_ASSIGN_OR_RETURN(const std::string_view config_json, checkpoint.File("config.json"));
  MAO_ASSIGN_OR_RETURN(const Config config,
                       ParseConfig(config_json, checkpoint.name() + "/config.json"));
  const ModelTensors tensors = Tensors(config);
  MAO_ASSIGN_OR_RETURN(const StoredWeights stored, StoredWeights::Verify(checkpoint, tensors));
  MAO_ASSIGN_OR_RETURN(const Quantization quantization,
                       stored.ChooseQuantization(options.quantization));
  MAO_ASSIGN_OR_RETURN(const std::string_view tokenizer_json, checkpoint.File("tokenizer.json"));
  MAO_ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer,
                       Tokenizer::FromJson(tokenizer_json, checkpoint.name() + "/tokenizer.json"));
  const auto placeholder = tokenizer->FindToken("<image>");
  if (!placeholder.has_value()) {
    return InvalidArgumentError(checkpoint.name() + "/tokenizer.json: has no token <image>");
  }
  // A tokenizer may name fewer ids than the head has rows, but never more.
  if (tokenizer->vocab_size() > static_cast<size_t>(config.decoder.vocab_size)) {
    return InvalidArgumentError(fmt::format("{}/tokenizer.json: has {} ids, vocab_size is {}",
                                            checkpoint.name(), tokenizer->vocab_size(),
                                            config.decoder.vocab_size));
  }
  ModelInfo info = MakeInfo(config, tensors);
  info.weight_format =
      quantization == Quantization::kNone ? Name(options.dtype) : Name(quantization);
  for (const char* tag : {"<td>", "</td>"}) {
    if (const auto id = tokenizer->FindToken(tag)) info.table_token_ids.push_back(*id);
  }
  const WeightLoader loader(stored, options.dtype, quantization, pool);
  MAO_ASSIGN_OR_RETURN(VisionTower vision, VisionTower::Load(config, loader));
  MAO_ASSIGN_OR_RETURN(Decoder decoder, Decoder::Load(config.decoder, loader));
  info.packed_bytes = decoder.size_bytes();
  return std::unique_ptr<Model>(std::make_unique<DeepseekOcr>(
      checkpoint, std::move(info), std::move(tokenizer), *placeholder,
      config.boxes_in_padded_square, std::move(vision), std::move(decoder)));
}

}  // namespace
}  // namespace deepseek_ocr

Result<std::unique_ptr<Model>> LoadDeepseekOcr(const Checkpoint& checkpoint,
                                               const LoadOptions& options, ThreadPool& pool) {
  return deepseek_ocr::Load(checkpoint, options, pool);
}

Result<ModelTensors> DeepseekOcrTensors(std::string_view config_json, std::string_view name) {
  MAO_ASSIGN_OR_RETURN(const deepseek_ocr::Config config,
                       deepseek_ocr::ParseConfig(config_json, name));
  return deepseek_ocr::Tensors(config);
}

}  // namespace mao
