// Repetition, frequency and presence penalties as vLLM defines them (vllm/model_executor/layers/
// utils.py, apply_penalties).
#ifndef MAOOCR_ENGINE_SAMPLE_PENALTIES_H_
#define MAOOCR_ENGINE_SAMPLE_PENALTIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sample/sampling_params.h"

namespace mao {

class Penalties {
 public:
  // Needs valid params. Prompt ids outside [0, vocab_size), as image placeholders may be, count for
  // nothing. Takes O(vocab_size) memory if any penalty is on, else none.
  Penalties(const SamplingParams& params, std::span<const TokenId> prompt_ids, int vocab_size);

  bool active() const { return active_; }
  void Push(TokenId id);
  // logits [vocab_size], in place; O(distinct ids seen).
  //   seen in prompt or output: x = x > 0 ? x / repetition : x * repetition
  //   seen in the output:       x -= frequency * count, then x -= presence
  void Apply(std::span<float> logits) const;

 private:
  void MarkSeen(TokenId id);

  bool active_;
  float repetition_;
  float presence_;
  float frequency_;
  std::vector<uint32_t> uses_plus_one_;  // [vocab_size]: 0 = never seen, 1 = in the prompt only
  std::vector<TokenId> seen_;            // distinct, in order of appearance
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_PENALTIES_H_
