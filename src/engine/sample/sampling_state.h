// Everything about one request that the choice of its next id depends on. Requests share nothing,
// so a request's text does not depend on its neighbours in the batch.
#ifndef MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_
#define MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sample/ngram_ban.h"
#include "engine/sample/penalties.h"
#include "engine/sample/sampling_params.h"

namespace mao {

class SamplingState {
 public:
  // `eos_ids` end the text; min_tokens holds them back. Errors: those of Validate; Internal if the
  // system has no entropy for an unset seed.
  static Result<SamplingState> Create(SamplingParams params, std::span<const TokenId> prompt_ids,
                                      int vocab_size, std::span<const TokenId> eos_ids = {});

  const SamplingParams& params() const { return params_; }
  int vocab_size() const { return vocab_size_; }
  // The request's seed, or the one drawn for it; with it the run can be repeated.
  uint64_t seed() const { return seed_; }
  int num_output() const { return num_output_; }

  // Records an output id. Sampler::Sample does so for the ids that it chooses; only ids that come
  // from elsewhere (forced, or accepted from a draft) are given by hand.
  void Accept(TokenId id);

  // Penalties and bans, in place on logits [vocab_size].
  void ProcessLogits(std::span<float> logits) const;
  // Whether ProcessLogits changes a logit other than to -infinity.
  bool rescales_logits() const { return penalties_.active(); }

 private:
  SamplingState(SamplingParams params, std::span<const TokenId> prompt_ids, int vocab_size,
                uint64_t seed);

  SamplingParams params_;
  int vocab_size_;
  uint64_t seed_;
  int num_output_ = 0;
  std::vector<TokenId> ending_ids_;  // end-of-text and stop ids inside the vocabulary
  Penalties penalties_;
  NgramBan ngram_ban_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_
