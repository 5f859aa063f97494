// Bans the id that would complete an n-gram that the output already holds.
#ifndef MAOOCR_ENGINE_SAMPLE_NGRAM_BAN_H_
#define MAOOCR_ENGINE_SAMPLE_NGRAM_BAN_H_

#include <cstddef>
#include <span>
#include <vector>

#include "engine/sample/lag_runs.h"
#include "engine/sample/sampling_params.h"

namespace mao {

// window > 0: DeepSeek-OCR's NoRepeatNGramLogitsProcessor. Only n-grams that start in the last
// `window` output ids count, n = 1 bans nothing, and window < n bans nothing.
// window = 0: Hugging Face's no_repeat_ngram_size over the whole output; n = 1 bans every id used.
// Whitelisted ids are never banned. One step costs O(window), or O(output) for window 0.
class NgramBan {
 public:
  // Needs valid params. Memory is taken here (window 0: for up to 32768 output ids).
  explicit NgramBan(const SamplingParams& params);

  bool active() const { return size_ > 0; }
  void Push(TokenId id);
  // Sets the banned entries of logits [vocab_size] to -infinity.
  void Apply(std::span<float> logits) const;

 private:
  void Ban(TokenId id, std::span<float> logits) const;

  size_t size_;
  bool whole_output_;
  std::vector<TokenId> whitelist_;  // sorted
  LagRuns runs_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_NGRAM_BAN_H_
