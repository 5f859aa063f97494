#include "engine/sample/stop_checker.h"

#include <algorithm>
#include <utility>

namespace mao {

TokenStopChecker::TokenStopChecker(const SamplingParams& params, std::span<const TokenId> eos_ids)
    : stop_ids_(params.stop_token_ids), max_tokens_(params.max_tokens) {
  if (!params.ignore_eos) eos_ids_.assign(eos_ids.begin(), eos_ids.end());
  if (params.detect_loops) loop_detector_.emplace();
}

StopReason TokenStopChecker::Push(TokenId id) {
  ++num_output_;
  const auto holds = [id](const std::vector<TokenId>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  if (holds(eos_ids_)) return StopReason::kEndOfText;
  if (holds(stop_ids_)) return StopReason::kStopToken;
  if (loop_detector_ && loop_detector_->Push(id)) return StopReason::kRepetition;
  if (num_output_ >= max_tokens_) return StopReason::kMaxTokens;
  return StopReason::kNone;
}

StopStringFilter::StopStringFilter(std::span<const std::string> stop_strings) {
  for (const std::string& text : stop_strings) {
    if (text.empty()) continue;
    Pattern pattern{text, std::vector<size_t>(text.size(), 0), 0};
    for (size_t i = 1, border = 0; i < text.size(); ++i) {
      while (border > 0 && text[i] != text[border]) border = pattern.border[border - 1];
      if (text[i] == text[border]) ++border;
      pattern.border[i] = border;
    }
    patterns_.push_back(std::move(pattern));
  }
}

void StopStringFilter::Advance(Pattern& pattern, char byte) {
  while (pattern.matched > 0 && pattern.text[pattern.matched] != byte) {
    pattern.matched = pattern.border[pattern.matched - 1];
  }
  if (pattern.text[pattern.matched] == byte) ++pattern.matched;
}

std::string StopStringFilter::Feed(std::string_view text) {
  if (stopped_ || text.empty()) return {};
  size_t hold = 0;  // bytes at the end of held_ that may be the start of a stop string
  for (const char byte : text) {
    held_ += byte;
    hold = 0;
    const Pattern* complete = nullptr;
    for (Pattern& pattern : patterns_) {
      Advance(pattern, byte);
      hold = std::max(hold, pattern.matched);
      if (pattern.matched < pattern.text.size()) continue;
      if (!complete || pattern.text.size() > complete->text.size()) complete = &pattern;
    }
    if (complete) {
      stopped_ = complete->text;
      held_.resize(held_.size() - complete->text.size());
      return std::exchange(held_, {});
    }
  }
  std::string shown = held_.substr(0, held_.size() - hold);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopStringFilter::Finish() { return std::exchange(held_, {}); }

}  // namespace mao
