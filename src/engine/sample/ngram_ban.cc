#include "engine/sample/ngram_ban.h"

#include <algorithm>
#include <limits>

namespace mao {
namespace {

constexpr size_t kMaxReservedIds = 32768;

LagRuns MakeRuns(const SamplingParams& params) {
  const auto size = static_cast<size_t>(params.no_repeat_ngram_size);
  const auto window = static_cast<size_t>(params.no_repeat_ngram_window);
  if (size == 0) return LagRuns::Bounded(0);
  if (window == 0) {
    return LagRuns::Unbounded(std::min<size_t>(params.max_tokens, kMaxReservedIds));
  }
  // An n-gram with its last prefix id d places back starts d + n - 1 places before the end, so the
  // window admits lags up to window - n + 1. One id: see n = 1 in the header.
  return LagRuns::Bounded(size > 1 && window >= size ? window - size + 1 : 0);
}

}  // namespace

NgramBan::NgramBan(const SamplingParams& params)
    : size_(params.no_repeat_ngram_size),
      whole_output_(params.no_repeat_ngram_window == 0),
      whitelist_(params.no_repeat_ngram_whitelist),
      runs_(MakeRuns(params)) {
  std::sort(whitelist_.begin(), whitelist_.end());
}

void NgramBan::Push(TokenId id) {
  if (active()) runs_.Push(id);
}

void NgramBan::Ban(TokenId id, std::span<float> logits) const {
  if (id < 0 || static_cast<size_t>(id) >= logits.size()) return;
  if (std::binary_search(whitelist_.begin(), whitelist_.end(), id)) return;
  logits[id] = -std::numeric_limits<float>::infinity();
}

void NgramBan::Apply(std::span<float> logits) const {
  if (!active() || runs_.empty()) return;
  if (whole_output_ && size_ == 1) Ban(runs_.id_back(0), logits);
  for (size_t lag = 1; lag <= runs_.num_lags(); ++lag) {
    const TokenId completing = runs_.id_back(size_ == 1 ? lag : lag - 1);
    if (runs_.run(lag) + 1 >= size_) Ban(completing, logits);
  }
}

}  // namespace mao
