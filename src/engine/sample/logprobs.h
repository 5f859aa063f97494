// Log-probabilities from raw logits, before penalties, bans and temperature (vLLM's default,
// logprobs_mode = raw_logprobs).
#ifndef MAOOCR_ENGINE_SAMPLE_LOGPROBS_H_
#define MAOOCR_ENGINE_SAMPLE_LOGPROBS_H_

#include <span>

#include "engine/sample/sampling_params.h"

namespace mao {

struct TokenLogprob {
  TokenId id;
  float logprob;
};

// log(sum(exp(logits))) in double, over all entries but NaN; -infinity if there are none.
double LogSumExp(std::span<const float> logits);

// Writes the out.size() best ids, best first, equal logits by id; NaN and -infinity are left out.
// Returns how many were written.
int TopLogprobs(std::span<const float> logits, double log_sum_exp, std::span<TokenLogprob> out);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_LOGPROBS_H_
