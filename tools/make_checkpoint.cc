// Writes a checkpoint of synthetic weights (src/weights/synthetic.h) for a config.json: the size and
// speed of a model can be tried, and its arithmetic compared with recorded vectors, without its
// weights.
//
//   maoocr-make-checkpoint CONFIG.json TOKENIZER.json FOLDER
#include <cstdio>
#include <filesystem>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/registry.h"
#include "weights/safetensors_writer.h"
#include "weights/synthetic.h"

namespace mao {
namespace {

constexpr size_t kMaxJsonBytes = size_t{64} << 20;

// DeepSeek-OCR's tokenizer is DeepSeek-V3's with these tokens behind it.
constexpr const char* kOcrTokens[] = {"<image>",  "<|ref|>",       "<|/ref|>", "<|det|>",
                                      "<|/det|>", "<|grounding|>", "<td>",     "</td>",
                                      "<tr>",     "</tr>",         "<|User|>", "<|Assistant|>"};
constexpr int kFirstOcrToken = 128815;

// Adds the tokens of DeepSeek-OCR to a tokenizer that lacks them.
Result<std::string> WithOcrTokens(const std::string& tokenizer_json) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(tokenizer_json, nullptr, false);
  if (json.is_discarded() || !json.contains("added_tokens")) {
    return InvalidArgumentError("the tokenizer has no added_tokens");
  }
  auto& tokens = json["added_tokens"];
  for (const auto& token : tokens) {
    if (token.value("content", "") == "<image>") return tokenizer_json;
  }
  int id = kFirstOcrToken;
  for (const char* content : kOcrTokens) {
    tokens.push_back({{"id", id++},
                      {"content", content},
                      {"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", true}});
  }
  return json.dump();
}

Status MakeCheckpoint(const std::string& config_path, const std::string& tokenizer_path,
                      const std::string& folder) {
  MAO_ASSIGN_OR_RETURN(const std::string config, ReadFile(config_path, kMaxJsonBytes));
  MAO_ASSIGN_OR_RETURN(std::string tokenizer, ReadFile(tokenizer_path, kMaxJsonBytes));
  MAO_ASSIGN_OR_RETURN(tokenizer, WithOcrTokens(tokenizer));
  MAO_ASSIGN_OR_RETURN(const auto specs, ExpectedTensors(config, config_path));
  std::vector<TensorToWrite> tensors;
  for (const TensorSpec& spec : specs) tensors.push_back({spec.name, DType::kBF16, spec.shape});
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  MAO_RETURN_IF_ERROR(WriteFile(folder + "/config.json", config));
  MAO_RETURN_IF_ERROR(WriteFile(folder + "/tokenizer.json", tokenizer));
  WriteOptions options;
  size_t shown_percent = 0;
  options.progress = [&](size_t done, size_t total) {
    const size_t percent = total == 0 ? 100 : done * 100 / total;
    if (percent == shown_percent) return;
    shown_percent = percent;
    fmt::print(stderr, "\r{:3}% of {:.2f} GB", percent, static_cast<double>(total) * 1e-9);
  };
  const auto fill = [](const TensorToWrite& tensor, size_t first, std::span<std::byte> out) {
    return FillSynthetic(tensor.name, tensor.shape, tensor.dtype, first, out);
  };
  MAO_RETURN_IF_ERROR(WriteCheckpointTensors(folder, tensors, size_t{64} << 30, fill, options));
  fmt::print(stderr, "\n{} tensors in {}\n", tensors.size(), folder);
  return OkStatus();
}

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: maoocr-make-checkpoint CONFIG.json TOKENIZER.json FOLDER\n", stderr);
    return 2;
  }
  const mao::Status status = mao::MakeCheckpoint(argv[1], argv[2], argv[3]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "maoocr-make-checkpoint: %s\n", status.ToString().c_str());
  return 1;
}
