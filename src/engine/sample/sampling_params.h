// What a request may say about how its next id is chosen and when it ends. Names and ranges are
// vLLM's (vllm/sampling_params.py); the n-gram fields are those of DeepSeek-OCR's logits processor.
#ifndef MAOOCR_ENGINE_SAMPLE_SAMPLING_PARAMS_H_
#define MAOOCR_ENGINE_SAMPLE_SAMPLING_PARAMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/constraint/constraint_spec.h"

namespace mao {

using TokenId = int32_t;

// Limits of ours, where vLLM has none: they bound the work and memory that one request can ask for.
inline constexpr int kMaxLogprobs = 20;
inline constexpr int kMaxNgramSize = 4096;
inline constexpr int kMaxNgramWindow = 65536;
inline constexpr size_t kMaxNgramWhitelist = 1024;
inline constexpr size_t kMaxStopStrings = 64;
inline constexpr size_t kMaxStopStringBytes = 1024;
inline constexpr size_t kMaxStopTokenIds = 1024;

// Below this the choice is greedy, as in vLLM.
inline constexpr float kGreedyTemperature = 1e-5F;

struct SamplingParams {
  float temperature = 0;         // 0 = greedy
  int top_k = 0;                 // 0 = off
  float top_p = 1;               // (0, 1], 1 = off
  float min_p = 0;               // [0, 1], 0 = off
  std::optional<uint64_t> seed;  // unset = drawn from the system

  float repetition_penalty = 1;  // > 0, over prompt and output
  float presence_penalty = 0;    // [-2, 2], over the output
  float frequency_penalty = 0;   // [-2, 2], over the output

  int no_repeat_ngram_size = 0;     // 0 = off
  int no_repeat_ngram_window = 90;  // n-grams that start in the last so many ids; 0 = whole output
  std::vector<TokenId> no_repeat_ngram_whitelist;  // never banned
  // End with `repetition` when the output repeats itself hopelessly. Not done with a constraint:
  // equal rows in an array are an answer, and the constraint's own limits bound it.
  bool detect_loops = false;

  int min_tokens = 0;
  int max_tokens = 8192;
  std::vector<std::string> stop;
  std::vector<TokenId> stop_token_ids;
  bool ignore_eos = false;
  // What the text must be. It goes before everything else: penalties and bans only choose among the
  // ids that it allows, and where bans would leave none of these, they do not count.
  std::optional<ConstraintSpec> constraint;

  // Leaves special tokens out of the text; they still count as ids. Tables and grounding are spelled
  // with them.
  bool skip_special_tokens = false;

  int logprobs = -1;  // -1 = off; n = the chosen id's and the n best log-probabilities

  bool greedy() const { return temperature < kGreedyTemperature; }
};

// Checks every field against its range; ids must lie in [0, vocab_size). InvalidArgument names the
// field, its value and the range.
Status Validate(const SamplingParams& params, int vocab_size);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_SAMPLING_PARAMS_H_
