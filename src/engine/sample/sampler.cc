#include "engine/sample/sampler.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "engine/sample/philox.h"

namespace mao {
namespace {

Status NoIdLeft(std::span<const float> logits, bool constrained) {
  const auto is_nan = [](float x) { return std::isnan(x); };
  if (std::any_of(logits.begin(), logits.end(), is_nan)) {
    return InternalError("the model gave NaN for every logit that is not banned");
  }
  if (constrained) {
    return InvalidArgumentError(
        "no id is left to choose: no token with a finite logit keeps the text within its "
        "constraint (a vocabulary may lack what the constraint asks for)");
  }
  return InvalidArgumentError(
      "no id is left to choose: the request's bans (no_repeat_ngram_size, min_tokens) cover every "
      "id with a finite logit");
}

}  // namespace

Sampler::Sampler(int vocab_size) : vocab_size_(vocab_size) {
  raw_logits_.reserve(vocab_size);
  candidates_.reserve(vocab_size);
}

std::optional<TokenId> Sampler::Choose(const SamplingState& state, std::span<const float> logits) {
  if (state.params().greedy()) return ArgMax(logits);
  SelectCandidates(logits, state.params(), candidates_);
  if (candidates_.empty()) return std::nullopt;
  return Draw(candidates_, PhiloxUniform(state.seed(), state.num_output()));
}

Result<SampledToken> Sampler::Sample(SamplingState& state, std::span<float> logits) {
  if (logits.size() != static_cast<size_t>(vocab_size_) || state.vocab_size() != vocab_size_) {
    return InternalError(fmt::format("sampler for {} ids got {} logits for a request of {} ids",
                                     vocab_size_, logits.size(), state.vocab_size()));
  }
  SampledToken token;
  const bool wants_logprobs = state.params().logprobs >= 0;
  std::span<const float> raw = logits;
  double log_sum_exp = 0;
  if (wants_logprobs) {  // before anything changes the logits
    log_sum_exp = LogSumExp(logits);
    token.num_top =
        TopLogprobs(logits, log_sum_exp, std::span(token.top).first(state.params().logprobs));
    if (state.rescales_logits()) {
      raw_logits_.assign(logits.begin(), logits.end());
      raw = raw_logits_;
    }
  }
  MAO_RETURN_IF_ERROR(state.ApplyConstraint(logits));
  state.ApplyPenalties(logits);  // before bans: they rescale, and cannot undo a ban set later
  const bool may_lift_bans = state.constrained() && state.has_bans();
  if (may_lift_bans) unbanned_logits_.assign(logits.begin(), logits.end());
  state.ApplyBans(logits);
  std::optional<TokenId> id = Choose(state, logits);
  if (!id && may_lift_bans) id = Choose(state, unbanned_logits_);
  if (!id) return NoIdLeft(logits, state.constrained());
  token.id = *id;
  if (wants_logprobs) token.logprob = static_cast<float>(raw[*id] - log_sum_exp);
  if (!state.Accept(*id)) {
    return ResourceExhaustedError(
        "the constraint is too ambiguous: the texts that the output may belong to are too many");
  }
  return token;
}

}  // namespace mao
