// The door of the engine: submit requests, read their text as it is generated.
#ifndef MAOOCR_ENGINE_ENGINE_H_
#define MAOOCR_ENGINE_ENGINE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/sample/logprobs.h"
#include "engine/sample/sampling_params.h"
#include "engine/sample/stop_checker.h"
#include "models/model.h"

namespace mao {

// Names are vLLM's where it has the same thing. Zero means: choose.
struct EngineConfig {
  size_t num_threads = 0;                  // 0: all cores of the process
  DType dtype = DType::kBF16;              // what the model was loaded with
  uint32_t max_num_seqs = 16;              // requests computed at once
  uint32_t max_num_batched_tokens = 2048;  // tokens of one step
  uint32_t max_model_len = 0;              // 0: the model's
  uint32_t block_size = 32;                // tokens of a cache block, a multiple of 16
  size_t kv_cache_bytes = 0;  // 0: what max_num_seqs requests can use, at most half of free memory
  bool enable_prefix_caching = true;
  uint64_t encoder_cache_rows = 16384;  // image embeddings kept
};

struct EngineRequest {
  Prompt prompt;
  SamplingParams sampling;
  int32_t priority = 0;  // smaller is served first
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // Requests with different salts share neither cached blocks nor encoded images, so that nobody
  // learns from the time it takes whether somebody else has asked about the same page.
  std::string cache_salt;
};

// One id of the answer with its log-probabilities, if asked for.
struct OutputLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

// What came since the last call of RequestStream::Next.
struct EngineOutput {
  std::string text;                // whole characters; may be empty while characters are incomplete
  std::vector<TokenId> token_ids;  // without the id that ended the text
  std::vector<OutputLogprobs> logprobs;
  bool finished = false;
  StopReason stop_reason = StopReason::kNone;  // when finished with an ok status
  Status status;  // of the request; Cancelled, DeadlineExceeded, ResourceExhausted, ...
};

// When a request came to its stages; those that it did not come to are zero.
struct RequestTimes {
  using TimePoint = std::chrono::steady_clock::time_point;

  TimePoint prepare_begin;  // Submit was called
  TimePoint submitted;      // prepared; waits
  TimePoint scheduled;      // first: has a part in a step, or waits for its image only
  TimePoint encode_begin;   // of its image's batch, for this request or one before it
  TimePoint encode_end;
  TimePoint first_token;
  TimePoint finished;
};

struct RequestStats {
  int64_t num_prompt_tokens = 0;  // image rows included
  int64_t num_image_tokens = 0;
  int64_t num_cached_tokens = 0;  // of the prompt, found in the prefix cache
  int64_t num_output_tokens = 0;  // the id that ended the text included
  double prepare_ms = 0;          // tokenising and preprocessing
  double queue_ms = 0;            // submitted until first scheduled; waiting for the encoder
  double encode_ms = 0;           // encoding of its image, and of those encoded together with it
  double prefill_ms = 0;   // first scheduled until the first token, without the encoder's part
  double generate_ms = 0;  // first token until the last
  RequestTimes times;
};

// A snapshot, for metrics and probes. What is counted is counted from the engine's creation on.
struct EngineStats {
  // Now.
  size_t num_running = 0;  // requests that steps compute, those waiting for an image included
  size_t num_waiting = 0;  // requests submitted that do not run yet
  size_t num_images_encoding = 0;   // with the encoder: a batch being encoded, one next in turn
  uint32_t num_kv_blocks_used = 0;  // held by requests; cached blocks that nobody holds are free
  uint32_t num_kv_blocks = 0;

  // Counted.
  uint64_t num_steps = 0;              // that computed something
  uint64_t num_prompt_tokens = 0;      // computed, image rows included; again after a preemption
  uint64_t num_generation_tokens = 0;  // sampled
  uint64_t num_preemptions = 0;        // times that a request gave way for lack of blocks
  uint64_t prefix_cache_queries = 0;   // tokens of requests as they began to run
  uint64_t prefix_cache_hits = 0;      // tokens of those that were found computed
  uint64_t encoder_cache_queries = 0;  // images that requests came to
  uint64_t encoder_cache_hits = 0;     // images of those that were there or being encoded

  // has_work and a last_progress long ago mean that the queue stands still.
  bool has_work = false;  // requests that have not ended
  // When the last step or encoding ended, a request ended, or one came to an engine without work.
  std::chrono::steady_clock::time_point last_progress;
};

class ConstraintCompiler;
class EngineCore;
class OutputChannel;

// One request. Destroying it cancels the request if it still runs. One thread at a time.
class RequestStream {
 public:
  RequestStream(std::shared_ptr<EngineCore> core, std::shared_ptr<OutputChannel> channel,
                uint64_t id, std::string image_mode, bool boxes_in_padded_square);
  ~RequestStream();
  RequestStream(const RequestStream&) = delete;
  RequestStream& operator=(const RequestStream&) = delete;

  // Blocks until there is new output. After one with `finished`, nullopt.
  std::optional<EngineOutput> Next();
  void Cancel();

  // Complete once an output with `finished` was read.
  RequestStats stats() const;
  // The size mode that "auto" became; empty without an image.
  const std::string& image_mode() const { return image_mode_; }
  // Whether boxes of the answer are relative to the image padded to a square.
  bool boxes_in_padded_square() const { return boxes_in_padded_square_; }

 private:
  std::shared_ptr<EngineCore> core_;
  std::shared_ptr<OutputChannel> channel_;
  uint64_t id_;
  std::string image_mode_;
  bool boxes_in_padded_square_;
  bool finished_ = false;
};

// Thread-safe. One engine thread computes tokens, another one encodes images beside it; callers
// tokenise and preprocess on their own threads.
class Engine {
 public:
  // Errors: InvalidArgument names the field; ResourceExhausted when the caches do not fit.
  static Result<std::unique_ptr<Engine>> Create(std::unique_ptr<Model> model,
                                                const EngineConfig& config);
  // Cancels what still runs and waits for the step and the encoding in progress.
  ~Engine();

  // Refuses what can never be served: an unknown mode, wrong parameters, a constraint that is
  // malformed or not supported, a prompt beyond max_model_len. sampling.max_tokens is lowered to what fits beside the prompt.
  Result<std::unique_ptr<RequestStream>> Submit(EngineRequest request);

  const ModelInfo& model_info() const;
  const Tokenizer& tokenizer() const;
  // As resolved: no zero left.
  const EngineConfig& config() const;
  size_t kv_cache_bytes() const;
  // As of the last step, submissions since then included. Cheap, and never waits for a step.
  EngineStats stats() const;

 private:
  explicit Engine(std::shared_ptr<EngineCore> core);

  std::shared_ptr<EngineCore> core_;
  std::unique_ptr<ConstraintCompiler> constraints_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_ENGINE_H_
