// Chooses the next id of a request from its logits.
#ifndef MAOOCR_ENGINE_SAMPLE_SAMPLER_H_
#define MAOOCR_ENGINE_SAMPLE_SAMPLER_H_

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "engine/sample/candidates.h"
#include "engine/sample/logprobs.h"
#include "engine/sample/sampling_state.h"

namespace mao {

struct SampledToken {
  TokenId id = 0;
  std::optional<float> logprob;  // of the raw logits; set if params.logprobs >= 0
  std::span<const TokenLogprob> top_logprobs() const { return {top.data(), num_top}; }

  std::array<TokenLogprob, kMaxLogprobs> top{};  // best first
  size_t num_top = 0;
};

// Holds the workspace for one vocabulary size, taken when made, so that Sample does not allocate.
// One thread at a time; requests may be mixed freely.
class Sampler {
 public:
  explicit Sampler(int vocab_size);

  // Chooses an id, records it in `state`. `logits` [vocab_size] is changed. Errors: Internal (wrong
  // length, or every logit is NaN), InvalidArgument (the request's bans or its constraint leave no
  // id), ResourceExhausted (a constraint that costs too much).
  Result<SampledToken> Sample(SamplingState& state, std::span<float> logits);

 private:
  std::optional<TokenId> Choose(const SamplingState& state, std::span<const float> logits);

  int vocab_size_;
  std::vector<float> raw_logits_;
  std::vector<float> unbanned_logits_;  // taken at the first step with a constraint and bans
  std::vector<Candidate> candidates_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_SAMPLER_H_
