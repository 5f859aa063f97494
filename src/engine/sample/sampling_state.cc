#include "engine/sample/sampling_state.h"

#include <exception>
#include <limits>
#include <random>
#include <utility>

namespace mao {
namespace {

Result<uint64_t> DrawSeed() {
  try {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
  } catch (const std::exception& e) {
    return InternalError(std::string("no system entropy to draw a sampling seed: ") + e.what());
  }
}

}  // namespace

Result<SamplingState> SamplingState::Create(SamplingParams params,
                                            std::span<const TokenId> prompt_ids, int vocab_size,
                                            std::span<const TokenId> eos_ids) {
  MAO_RETURN_IF_ERROR(Validate(params, vocab_size));
  uint64_t seed = params.seed.value_or(0);
  if (!params.seed && !params.greedy()) {
    MAO_ASSIGN_OR_RETURN(seed, DrawSeed());
  }
  SamplingState state(std::move(params), prompt_ids, vocab_size, seed);
  state.ending_ids_ = state.params_.stop_token_ids;
  for (const TokenId id : eos_ids) {
    if (id >= 0 && id < vocab_size) state.ending_ids_.push_back(id);
  }
  return state;
}

SamplingState::SamplingState(SamplingParams params, std::span<const TokenId> prompt_ids,
                             int vocab_size, uint64_t seed)
    : params_(std::move(params)),
      vocab_size_(vocab_size),
      seed_(seed),
      penalties_(params_, prompt_ids, vocab_size),
      ngram_ban_(params_) {}

void SamplingState::Accept(TokenId id) {
  ++num_output_;
  penalties_.Push(id);
  ngram_ban_.Push(id);
}

void SamplingState::ProcessLogits(std::span<float> logits) const {
  penalties_.Apply(logits);  // first: they rescale, and a ban set later can not be undone by them
  if (num_output_ < params_.min_tokens) {  // a ban, as vLLM's MinTokensLogitsProcessor
    for (const TokenId id : ending_ids_) logits[id] = -std::numeric_limits<float>::infinity();
  }
  ngram_ban_.Apply(logits);  // a ban that must also hold under greedy decoding
}

}  // namespace mao
