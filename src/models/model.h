// What the engine knows of a model: how a request becomes tokens, how an image becomes rows of
// embeddings, and how a batch of tokens becomes logits.
#ifndef MAOOCR_MODELS_MODEL_H_
#define MAOOCR_MODELS_MODEL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "layers/batch.h"
#include "layers/execution_context.h"
#include "layers/kv_cache.h"
#include "text/tokenizer.h"
#include "vision/image.h"

namespace mao {

struct ModelInfo {
  std::string architecture;
  int64_t num_parameters = 0;
  std::string weight_format;  // of the language model: BF16, F32, int8, int4
  size_t packed_bytes = 0;    // memory of the packed weights
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t max_model_len = 0;  // prompt and answer together, in tokens
  TokenId bos_token_id = 0;
  std::vector<TokenId> eos_token_ids;
  std::vector<std::string> image_modes;  // names that ImageOptions::mode may have
  // Tokens that a table is made of: an n-gram ban must let them repeat.
  std::vector<TokenId> table_token_ids;
  // Further lines for people: name, value.
  std::vector<std::pair<std::string, std::string>> details;
};

// Text of a prompt after its image. Text of a user must not become control tokens.
struct PromptPiece {
  std::string text;
  bool parse_special_tokens = true;
};

struct ImageOptions {
  std::string mode = "auto";
  int max_tiles = 6;
};

struct Prompt {
  std::shared_ptr<const Image> image;  // or none
  std::vector<PromptPiece> text;
  ImageOptions image_options;
};

// The views of an image that the vision towers see, in the order of their rows.
struct PreparedImage {
  std::string mode;          // never "auto"
  std::vector<Image> tiles;  // row by row
  int tile_columns = 0;
  int tile_rows = 0;
  Image global;
  bool is_letterboxed = false;  // the global view keeps the aspect, with bars
  int64_t num_rows = 0;         // embeddings that Encode produces
  // Whether the model's boxes are 0..999 of the padded square instead of the original image.
  bool boxes_in_padded_square = false;
};

// An image to encode and where its image->num_rows x hidden_size floats go.
struct EncodeItem {
  const PreparedImage* image = nullptr;
  float* rows = nullptr;
};

struct PreparedPrompt {
  std::vector<TokenId> token_ids;  // image rows hold the image placeholder
  int64_t image_offset = 0;        // first placeholder
  std::unique_ptr<PreparedImage> image;
};

// One step of several sequences.
struct ForwardInput {
  TokenBatch batch;
  std::vector<TokenId> token_ids;        // of each row
  std::vector<const float*> embeddings;  // of each row: null, or an image row in place of the id
  std::vector<int64_t> logits_rows;      // rows whose logits are wanted
};

// Encode may run beside Forward, each with an ExecutionContext of its own: they share weights and
// nothing that either writes.
class Model {
 public:
  virtual ~Model() = default;

  virtual const ModelInfo& info() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;

  // Tokenises and preprocesses; may be called from any thread. `pool` may be null.
  virtual Result<PreparedPrompt> Prepare(const Prompt& prompt, ThreadPool* pool) const = 0;

  // The embeddings of images, the same bits for each whatever the company: together they take less
  // time than one after the other, since weights are read once for several. One Encode at a time.
  // Errors, with which none of the rows are valid: ResourceExhausted when the activations of a new
  // size do not fit in memory.
  virtual Status Encode(ExecutionContext& ctx, std::span<const EncodeItem> images) = 0;

  // Sizes all activations, so that Forward allocates nothing.
  virtual Status ReserveForward(ExecutionContext& ctx, int64_t max_rows, int64_t max_sequences) = 0;

  // Runs the rows through the decoder, writes keys and values into the cache and the logits
  // [logits_rows, vocab_size] of the wanted rows.
  virtual void Forward(ExecutionContext& ctx, const ForwardInput& input, KvCache& cache,
                       float* logits) = 0;
};

}  // namespace mao

#endif  // MAOOCR_MODELS_MODEL_H_
