// What can be told of a model from its files alone, without loading the weights.
#ifndef MAOOCR_APPS_MODEL_SUMMARY_H_
#define MAOOCR_APPS_MODEL_SUMMARY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "weights/checkpoint.h"

namespace mao {

struct ModeSummary {
  std::string name;
  int64_t side = 0;  // of the view of the whole page, in pixels
  // Rows that the page takes in the context. With tiles: of the fewest and the most of them.
  int64_t min_image_tokens = 0;
  int64_t max_image_tokens = 0;
};

struct ModelSummary {
  std::string name;
  std::string architecture;
  int64_t num_parameters = 0;
  size_t num_tensors = 0;
  size_t tensor_bytes = 0;
  std::map<std::string, size_t> tensors_by_dtype;  // names as in safetensors
  std::string compute_dtype;
  std::string quantization;   // of a packed checkpoint: none, int8, int4; else empty
  int64_t vocab_size = 0;     // rows of the output
  size_t tokenizer_size = 0;  // ids of the tokenizer
  int64_t max_model_len = 0;  // prompt and answer together, in tokens
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  size_t weight_bytes = 0;  // in memory
  size_t kv_bytes_per_token = 0;
  size_t activation_bytes = 0;  // of encoding the largest view, roughly
  std::vector<ModeSummary> modes;
};

// Checks that all tensors of the architecture are there. Errors name the file and what is wrong.
Result<ModelSummary> Summarise(const Checkpoint& checkpoint);

std::string SummaryText(const ModelSummary& summary);
std::string SummaryJson(const ModelSummary& summary);

}  // namespace mao

#endif  // MAOOCR_APPS_MODEL_SUMMARY_H_
