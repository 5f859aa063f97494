// When a request ends: by an id, by its length, by going round in circles (TokenStopChecker), or by
// a stop string in its text (StopStringFilter). The first sees ids and belongs beside the sampler,
// the second sees text and belongs behind the detokeniser.
#ifndef MAOOCR_ENGINE_SAMPLE_STOP_CHECKER_H_
#define MAOOCR_ENGINE_SAMPLE_STOP_CHECKER_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sample/loop_detector.h"
#include "engine/sample/sampling_params.h"

namespace mao {

enum class StopReason { kNone, kEndOfText, kStopToken, kStopString, kMaxTokens, kRepetition };

class TokenStopChecker {
 public:
  // Needs valid params. With ignore_eos, eos_ids do not end the text.
  TokenStopChecker(const SamplingParams& params, std::span<const TokenId> eos_ids);

  // Takes the next output id. Checked in this order: end of text, stop ids, repetition (only with
  // detect_loops), max_tokens.
  StopReason Push(TokenId id);

 private:
  std::vector<TokenId> eos_ids_;
  std::vector<TokenId> stop_ids_;
  std::optional<LoopDetector> loop_detector_;
  int max_tokens_;
  int num_output_ = 0;
};

// Passes text on as it comes, but holds back what may yet become a stop string. The first stop
// string that is complete ends the text in front of it; if several are complete at the same byte,
// the longest counts. What comes out does not depend on how the text is cut into pieces.
// Costs O(bytes x stop strings), whatever the strings are (Knuth-Morris-Pratt).
class StopStringFilter {
 public:
  explicit StopStringFilter(std::span<const std::string> stop_strings);

  // The text that may be shown now. Nothing once stopped().
  std::string Feed(std::string_view text);
  // The text is over: what was held back.
  std::string Finish();
  // The stop string that ended the text.
  const std::optional<std::string>& stopped() const { return stopped_; }

 private:
  struct Pattern {
    std::string text;
    std::vector<size_t> border;  // [i]: longest proper border of the first i + 1 bytes
    size_t matched = 0;          // longest prefix that the text seen so far ends with
  };
  static void Advance(Pattern& pattern, char byte);

  std::vector<Pattern> patterns_;
  std::string held_;
  std::optional<std::string> stopped_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_STOP_CHECKER_H_
