// What came out of a step.
#ifndef MAOOCR_ENGINE_SCHED_STEP_OUTCOME_H_
#define MAOOCR_ENGINE_SCHED_STEP_OUTCOME_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/cache/ids.h"

namespace mao {

// For one row of the plan.
struct RowOutcome {
  RequestId id{};
  // Tokens that follow what the request had. None unless the row wanted logits; otherwise the
  // drafts that proved right, then one more. Fewer only when finished.
  uint32_t num_sampled_tokens = 0;
  // Guesses at what comes after those, to be tried in the next step.
  uint32_t num_draft_tokens = 0;
  bool finished = false;  // the caller saw the request's end: stop token, stop string, no reader
};

// In the order of the plan's rows. Reuse one object from step to step.
struct StepOutcome {
  uint64_t step = 0;
  // Not ok: the step failed as a whole, and with it each request in it; no rows are given.
  Status status;
  std::vector<RowOutcome> rows;
  std::vector<TokenId> sampled_token_ids;  // of all rows, one after the other
  std::vector<TokenId> draft_token_ids;    // likewise

  void Clear();  // keeps the vectors' memory
};

// What was planned for a row, as far as its outcome must agree.
struct ExpectedRow {
  RequestId id{};
  bool wants_logits = false;
  std::span<const TokenId> draft_token_ids;
};

// kInternal when sampled tokens do not fit the row: a bug of the runner or of the engine's core.
Status CheckRowOutcome(const ExpectedRow& expected, const RowOutcome& row,
                       std::span<const TokenId> sampled_token_ids);

// kInternal when the flat vectors do not have the sizes that the rows claim.
Status CheckTokenCounts(const StepOutcome& outcome);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_STEP_OUTCOME_H_
