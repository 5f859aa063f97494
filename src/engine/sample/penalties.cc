#include "engine/sample/penalties.h"

namespace mao {

Penalties::Penalties(const SamplingParams& params, std::span<const TokenId> prompt_ids,
                     int vocab_size)
    : active_(params.repetition_penalty != 1 || params.presence_penalty != 0 ||
              params.frequency_penalty != 0),
      repetition_(params.repetition_penalty),
      presence_(params.presence_penalty),
      frequency_(params.frequency_penalty) {
  if (!active_) return;
  uses_plus_one_.assign(vocab_size, 0);
  seen_.reserve(vocab_size);
  for (const TokenId id : prompt_ids) MarkSeen(id);
}

void Penalties::MarkSeen(TokenId id) {
  if (id < 0 || static_cast<size_t>(id) >= uses_plus_one_.size() || uses_plus_one_[id] != 0) return;
  uses_plus_one_[id] = 1;
  seen_.push_back(id);
}

void Penalties::Push(TokenId id) {
  if (!active_ || id < 0 || static_cast<size_t>(id) >= uses_plus_one_.size()) return;
  MarkSeen(id);
  ++uses_plus_one_[id];
}

void Penalties::Apply(std::span<float> logits) const {
  for (const TokenId id : seen_) {
    float& x = logits[id];
    x = x > 0 ? x / repetition_ : x * repetition_;
    const uint32_t uses = uses_plus_one_[id] - 1;
    if (uses == 0) continue;
    x -= frequency_ * static_cast<float>(uses);
    x -= presence_;
  }
}

}  // namespace mao
