#include "engine/sched/step_outcome.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {

void StepOutcome::Clear() {
  step = 0;
  status = OkStatus();
  rows.clear();
  sampled_token_ids.clear();
  draft_token_ids.clear();
}

Status CheckRowOutcome(const ExpectedRow& expected, const RowOutcome& row,
                       std::span<const TokenId> sampled_token_ids) {
  const auto id = static_cast<uint64_t>(expected.id);
  if (row.id != expected.id) {
    return InternalError(fmt::format("outcome row is of request {}, the plan's is of request {}",
                                     static_cast<uint64_t>(row.id), id));
  }
  const size_t num_sampled = sampled_token_ids.size();
  const size_t max_sampled = expected.wants_logits ? expected.draft_token_ids.size() + 1 : 0;
  if (num_sampled > max_sampled) {
    return InternalError(fmt::format("request {}: {} tokens sampled, at most {} were planned", id,
                                     num_sampled, max_sampled));
  }
  if (num_sampled == 0) {
    if (!expected.wants_logits || row.finished) return OkStatus();
    return InternalError(fmt::format("request {}: no token sampled", id));
  }
  // The entries of accepted drafts are in the cache, so these must be the tokens that follow.
  if (!std::equal(sampled_token_ids.begin(), sampled_token_ids.end() - 1,
                  expected.draft_token_ids.begin())) {
    return InternalError(fmt::format("request {}: accepted tokens differ from the drafts", id));
  }
  return OkStatus();
}

Status CheckTokenCounts(const StepOutcome& outcome) {
  uint64_t num_sampled = 0;
  uint64_t num_drafts = 0;
  for (const RowOutcome& row : outcome.rows) {
    num_sampled += row.num_sampled_tokens;
    num_drafts += row.num_draft_tokens;
  }
  if (num_sampled != outcome.sampled_token_ids.size() ||
      num_drafts != outcome.draft_token_ids.size()) {
    return InternalError(fmt::format(
        "step {}: rows claim {} sampled and {} draft tokens, {} and {} are given", outcome.step,
        num_sampled, num_drafts, outcome.sampled_token_ids.size(), outcome.draft_token_ids.size()));
  }
  return OkStatus();
}

}  // namespace mao
