#include "apps/model_summary.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/open_model.h"
#include "models/registry.h"
#include "weights/json_reader.h"

namespace mao {
namespace {

constexpr int64_t kMax = int64_t{1} << 32;

// DeepSeek-OCR's size modes (arXiv 2510.18234, section 3.2). One row of the context stands for
// 64 x 64 pixels; each line of rows ends with a newline row, the page with a separator.
struct ModeRow {
  std::string_view name;
  int64_t side;
  int64_t tile_side;  // 0: without tiles
};
constexpr ModeRow kModes[] = {{"tiny", 512, 0},
                              {"small", 640, 0},
                              {"base", 1024, 0},
                              {"large", 1280, 0},
                              {"gundam", 1024, 640}};
constexpr int64_t kPixelsPerRow = 64;
constexpr int64_t kMaxTiles = 6;  // unless --max-tiles says otherwise
constexpr int64_t kPatchSide = 16;
constexpr int64_t kLargestView = 1024;  // of the modes that `auto` chooses from

int64_t GridTokens(int64_t columns, int64_t rows) { return rows * (columns + 1); }

ModeSummary SummariseMode(const ModeRow& mode) {
  const int64_t whole = GridTokens(mode.side / kPixelsPerRow, mode.side / kPixelsPerRow) + 1;
  // A page that fits into one tile is not cut. A column of tiles has the most lines to end.
  const int64_t tile = mode.tile_side / kPixelsPerRow;
  return {std::string(mode.name), mode.side, whole, whole + GridTokens(tile, kMaxTiles * tile)};
}

class ConfigReader {
 public:
  explicit ConfigReader(JsonReader reader) : reader_(std::move(reader)) {}

  // Keys of the decoder stand in language_config and, as a rule again, at the top.
  int64_t Decoder(std::string_view key, int64_t default_value) {
    const std::string nested = "language_config." + std::string(key);
    return reader_.Int(reader_.Has(nested) ? nested : key, default_value, 0, kMax);
  }
  int64_t Sam(std::string_view key, int64_t default_value) {
    return reader_.Int("vision_config.width.sam_vit_b." + std::string(key), default_value, 0, kMax);
  }
  std::string Architecture() { return reader_.RequiredString("architectures.0"); }
  Status status() const { return reader_.status(); }

 private:
  JsonReader reader_;
};

// Per patch of the largest view: the pixels, the residual stream, positions, norm, query, key and
// value, context and MLP of a SAM block, the same once more in the packed form of the products, and
// the two maps of the neck.
size_t ActivationBytes(ConfigReader& config) {
  const int64_t patches = (kLargestView / kPatchSide) * (kLargestView / kPatchSide);
  const int64_t width = config.Sam("width", 768);
  const int64_t per_patch = 3 * kPatchSide * kPatchSide + 14 * width + 2 * width;
  return static_cast<size_t>(patches * per_patch) * sizeof(float);
}

void ReadConfig(ConfigReader& config, ModelSummary& summary) {
  summary.architecture = config.Architecture();
  summary.vocab_size = config.Decoder("vocab_size", 0);
  summary.max_model_len = config.Decoder("max_position_embeddings", 8192);
  summary.num_layers = config.Decoder("num_hidden_layers", 0);
  summary.hidden_size = config.Decoder("hidden_size", 0);
  summary.num_heads = config.Decoder("num_attention_heads", 1);
  summary.num_kv_heads = config.Decoder("num_key_value_heads", summary.num_heads);
  summary.head_dim = summary.hidden_size / std::max<int64_t>(summary.num_heads, 1);
  summary.activation_bytes = ActivationBytes(config);
}

void CountTensors(const Checkpoint& checkpoint, const ModelTensors& model, DType dtype,
                  ModelSummary& summary) {
  summary.num_tensors = checkpoint.num_tensors();
  summary.tensor_bytes = checkpoint.total_bytes();
  for (const TensorSpec& tensor : model.tensors) {
    summary.num_parameters += tensor.shape.num_elements();
  }
  for (const NamedTensor& tensor : checkpoint.tensors()) {
    // bfloat16 and what is packed stay as they are.
    const bool is_converted = tensor.view.dtype == DType::kF32 || tensor.view.dtype == DType::kF16;
    summary.weight_bytes +=
        is_converted ? tensor.view.num_elements() * SizeBytes(dtype) : tensor.view.size_bytes();
    ++summary.tensors_by_dtype[std::string(Name(tensor.view.dtype))];
  }
}

std::string Count(int64_t value) {
  if (value >= 1'000'000'000)
    return fmt::format("{:.2f} billion", static_cast<double>(value) / 1e9);
  if (value >= 1'000'000) return fmt::format("{:.1f} million", static_cast<double>(value) / 1e6);
  return fmt::format("{}", value);
}

std::string Bytes(size_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes >= size_t{1} << 30) return fmt::format("{:.2f} GiB", value / (1 << 30));
  if (bytes >= size_t{1} << 20) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.1f} KiB", value / (1 << 10));
}

std::string Formats(const ModelSummary& summary) {
  std::string formats;
  for (const auto& [name, count] : summary.tensors_by_dtype) {
    formats += fmt::format("{}{} ({} tensors)", formats.empty() ? "" : ", ", name, count);
  }
  return formats;
}

std::string TokenRange(const ModeSummary& mode) {
  if (mode.min_image_tokens == mode.max_image_tokens) {
    return fmt::format("{}", mode.min_image_tokens);
  }
  return fmt::format("{} to {}", mode.min_image_tokens, mode.max_image_tokens);
}

}  // namespace

Result<ModelSummary> Summarise(const Checkpoint& checkpoint) {
  ModelSummary summary;
  summary.name = checkpoint.name();
  const std::string config_name = checkpoint.name() + "/config.json";
  MAO_ASSIGN_OR_RETURN(const std::string_view json, checkpoint.File("config.json"));
  MAO_ASSIGN_OR_RETURN(const ModelTensors model, ExpectedTensors(checkpoint));
  MAO_ASSIGN_OR_RETURN(const StoredWeights stored, StoredWeights::Verify(checkpoint, model));
  if (stored.packed().has_value()) summary.quantization = Name(stored.packed()->quantization);
  MAO_ASSIGN_OR_RETURN(JsonReader reader, JsonReader::Parse(json, config_name));
  ConfigReader config(std::move(reader));
  ReadConfig(config, summary);
  MAO_RETURN_IF_ERROR(config.status());
  MAO_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, OpenTokenizer(checkpoint));
  summary.tokenizer_size = tokenizer->vocab_size();
  const DType dtype = DefaultDType(checkpoint);
  summary.compute_dtype = dtype == DType::kBF16 ? "bfloat16" : "float32";
  CountTensors(checkpoint, model, dtype, summary);
  summary.kv_bytes_per_token =
      static_cast<size_t>(2 * summary.num_layers * summary.num_kv_heads * summary.head_dim) *
      SizeBytes(dtype);
  for (const ModeRow& mode : kModes) summary.modes.push_back(SummariseMode(mode));
  return summary;
}

std::string SummaryText(const ModelSummary& summary) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) {
    text += fmt::format("{:<14}{}\n", name, value);
  };
  line("model", summary.name);
  line("architecture", summary.architecture);
  line("parameters",
       fmt::format("{} in {} tensors", Count(summary.num_parameters), summary.num_tensors));
  line("formats", Formats(summary));
  if (!summary.quantization.empty()) {
    line("packed", fmt::format("by maoocr quantize, quantization {}", summary.quantization));
  }
  line("computes in", summary.compute_dtype);
  line("decoder",
       fmt::format("{} layers, width {}, {} heads of {}, {} key/value heads", summary.num_layers,
                   summary.hidden_size, summary.num_heads, summary.head_dim, summary.num_kv_heads));
  line("vocabulary", fmt::format("{} ids, {} of them in the tokenizer", summary.vocab_size,
                                 summary.tokenizer_size));
  line("context", fmt::format("{} tokens, page and answer together", summary.max_model_len));
  line("files", Bytes(summary.tensor_bytes));
  line("memory", fmt::format("{} of weights, {} of cache per token, about {} to encode a page",
                             Bytes(summary.weight_bytes), Bytes(summary.kv_bytes_per_token),
                             Bytes(summary.activation_bytes)));
  for (const ModeSummary& mode : summary.modes) {
    line(&mode == summary.modes.data() ? "modes" : "",
         fmt::format("{:<8}{:>5} pixels  {} tokens", mode.name, mode.side, TokenRange(mode)));
  }
  return text;
}

std::string SummaryJson(const ModelSummary& summary) {
  nlohmann::ordered_json json;
  json["model"] = summary.name;
  json["architecture"] = summary.architecture;
  json["parameters"] = summary.num_parameters;
  json["tensors"] = summary.num_tensors;
  json["tensor_bytes"] = summary.tensor_bytes;
  json["tensors_by_dtype"] = summary.tensors_by_dtype;
  json["packed_quantization"] =
      summary.quantization.empty() ? nullptr : nlohmann::ordered_json(summary.quantization);
  json["compute_dtype"] = summary.compute_dtype;
  json["vocab_size"] = summary.vocab_size;
  json["tokenizer_size"] = summary.tokenizer_size;
  json["max_model_len"] = summary.max_model_len;
  json["num_layers"] = summary.num_layers;
  json["hidden_size"] = summary.hidden_size;
  json["num_heads"] = summary.num_heads;
  json["num_kv_heads"] = summary.num_kv_heads;
  json["head_dim"] = summary.head_dim;
  json["memory_bytes"] = {{"weights", summary.weight_bytes},
                          {"cache_per_token", summary.kv_bytes_per_token},
                          {"activations", summary.activation_bytes}};
  json["modes"] = nlohmann::ordered_json::array();
  for (const ModeSummary& mode : summary.modes) {
    json["modes"].push_back({{"name", mode.name},
                             {"side", mode.side},
                             {"image_tokens", {mode.min_image_tokens, mode.max_image_tokens}}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mao
