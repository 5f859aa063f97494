#include "engine/sample/sampling_state.h"

#include <algorithm>
#include <bit>
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
                                            std::span<const TokenId> eos_ids,
                                            std::shared_ptr<const Constraint> constraint) {
  MAO_RETURN_IF_ERROR(Validate(params, vocab_size));
  if (params.constraint.has_value() != (constraint != nullptr)) {
    return InternalError("the request's constraint was not compiled");
  }
  if (constraint != nullptr) params.detect_loops = false;
  uint64_t seed = params.seed.value_or(0);
  if (!params.seed && !params.greedy()) {
    MAO_ASSIGN_OR_RETURN(seed, DrawSeed());
  }
  SamplingState state(std::move(params), prompt_ids, vocab_size, seed);
  state.ending_ids_ = state.params_.stop_token_ids;
  for (const TokenId id : eos_ids) {
    if (id >= 0 && id < vocab_size) state.ending_ids_.push_back(id);
  }
  if (constraint != nullptr) state.Constrain(std::move(constraint), eos_ids);
  return state;
}

SamplingState::SamplingState(SamplingParams params, std::span<const TokenId> prompt_ids,
                             int vocab_size, uint64_t seed)
    : params_(std::move(params)),
      vocab_size_(vocab_size),
      seed_(seed),
      penalties_(params_, prompt_ids, vocab_size),
      ngram_ban_(params_) {}

void SamplingState::Constrain(std::shared_ptr<const Constraint> constraint,
                              std::span<const TokenId> eos_ids) {
  std::vector<TokenId> end_ids;
  if (!params_.ignore_eos) end_ids.assign(eos_ids.begin(), eos_ids.end());
  for (const TokenId id : params_.stop_token_ids) {
    if (constraint->vocabulary().later->token_bytes(id).empty()) end_ids.push_back(id);
  }
  constraint_.emplace(std::move(constraint), end_ids);
  mask_.resize((static_cast<size_t>(vocab_size_) + 63) / 64);
}

bool SamplingState::Accept(TokenId id) {
  ++num_output_;
  penalties_.Push(id);
  ngram_ban_.Push(id);
  return !constraint_.has_value() || constraint_->Accept(id);
}

Status SamplingState::ApplyConstraint(std::span<float> logits) {
  if (!constraint_.has_value()) return OkStatus();
  MAO_RETURN_IF_ERROR(constraint_->FillMask(mask_));
  constexpr float kBanned = -std::numeric_limits<float>::infinity();
  for (size_t word = 0; word < mask_.size(); ++word) {
    const size_t begin = 64 * word;
    const size_t size = std::min<size_t>(64, logits.size() - begin);
    uint64_t banned = ~mask_[word];
    if (size < 64) banned &= (uint64_t{1} << size) - 1;
    if (banned == ~uint64_t{0}) {
      std::fill_n(logits.begin() + begin, 64, kBanned);
    } else {
      for (; banned != 0; banned &= banned - 1) logits[begin + std::countr_zero(banned)] = kBanned;
    }
  }
  return OkStatus();
}

void SamplingState::ApplyBans(std::span<float> logits) const {
  if (num_output_ < params_.min_tokens) {  // a ban, as vLLM's MinTokensLogitsProcessor
    for (const TokenId id : ending_ids_) logits[id] = -std::numeric_limits<float>::infinity();
  }
  ngram_ban_.Apply(logits);  // a ban that must also hold under greedy decoding
}

}  // namespace mao
