// Everything about one request that the choice of its next id depends on. Requests share nothing,
// so a request's text does not depend on its neighbours in the batch.
#ifndef MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_
#define MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/constraint/constraint.h"
#include "engine/sample/ngram_ban.h"
#include "engine/sample/penalties.h"
#include "engine/sample/sampling_params.h"

namespace mao {

class SamplingState {
 public:
  // `eos_ids` end the text; min_tokens holds them back. `constraint`: params.constraint, compiled.
  // Under a constraint they come when the text is complete, and so do stop_token_ids that are no
  // text. Errors: those of Validate; Internal if the system has no entropy for an unset seed, or
  // the constraint is not compiled.
  static Result<SamplingState> Create(SamplingParams params, std::span<const TokenId> prompt_ids,
                                      int vocab_size, std::span<const TokenId> eos_ids = {},
                                      std::shared_ptr<const Constraint> constraint = nullptr);

  const SamplingParams& params() const { return params_; }
  int vocab_size() const { return vocab_size_; }
  // The request's seed, or the one drawn for it; with it the run can be repeated.
  uint64_t seed() const { return seed_; }
  int num_output() const { return num_output_; }

  // Records an output id. Sampler::Sample does so for the ids that it chooses; only ids that come
  // from elsewhere (forced, or accepted from a draft) are given by hand. False if the constraint
  // does not allow it here.
  bool Accept(TokenId id);

  // All in place on logits [vocab_size], to be called in this order. The constraint: ids that may
  // not come next to -infinity. Errors: those of ConstraintState::FillMask.
  Status ApplyConstraint(std::span<float> logits);
  void ApplyPenalties(std::span<float> logits) const { penalties_.Apply(logits); }
  // min_tokens and n-grams: to -infinity.
  void ApplyBans(std::span<float> logits) const;

  bool constrained() const { return constraint_.has_value(); }
  // The constraint allows no further text: the request ends without waiting for end-of-text.
  bool text_is_over() const { return constraint_.has_value() && constraint_->CanOnlyEnd(); }
  // Whether ApplyPenalties and ApplyBans can change anything.
  bool rescales_logits() const { return penalties_.active(); }
  bool has_bans() const { return num_output_ < params_.min_tokens || ngram_ban_.active(); }

 private:
  SamplingState(SamplingParams params, std::span<const TokenId> prompt_ids, int vocab_size,
                uint64_t seed);
  void Constrain(std::shared_ptr<const Constraint> constraint, std::span<const TokenId> eos_ids);

  SamplingParams params_;
  int vocab_size_;
  uint64_t seed_;
  int num_output_ = 0;
  std::vector<TokenId> ending_ids_;  // end-of-text and stop ids inside the vocabulary
  Penalties penalties_;
  NgramBan ngram_ban_;
  std::optional<ConstraintState> constraint_;
  std::vector<uint64_t> mask_;  // workspace of ApplyConstraint
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_SAMPLING_STATE_H_
