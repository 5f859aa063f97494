#include "engine/sched/step_outcome.h"

#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

struct Case {
  const char* name;
  bool wants_logits;
  std::vector<TokenId> drafts;
  std::vector<TokenId> sampled;
  bool finished;
  bool is_ok;
};

TEST(StepOutcomeTest, SampledTokensMustFitTheRow) {
  const std::vector<Case> cases = {
      {"chunk", false, {}, {}, false, true},
      {"chunk with a token", false, {}, {1}, false, false},
      {"chunk of a request that ends", false, {}, {}, true, true},
      {"one token", true, {}, {1}, false, true},
      {"none", true, {}, {}, false, false},
      {"none, at the end", true, {}, {}, true, true},
      {"two without drafts", true, {}, {1, 2}, false, false},
      {"all drafts right", true, {5, 6}, {5, 6, 7}, false, true},
      {"one draft right", true, {5, 6}, {5, 7}, false, true},
      {"no draft right", true, {5, 6}, {7}, false, true},
      {"accepted what was not drafted", true, {5, 6}, {4, 7}, false, false},
      {"too many", true, {5}, {5, 6, 7}, false, false},
  };
  for (const Case& c : cases) {
    const ExpectedRow expected = {
        .id = RequestId{3}, .wants_logits = c.wants_logits, .draft_token_ids = c.drafts};
    const RowOutcome row = {.id = RequestId{3}, .finished = c.finished};
    const Status status = CheckRowOutcome(expected, row, c.sampled);
    EXPECT_EQ(status.code(), c.is_ok ? StatusCode::kOk : StatusCode::kInternal) << c.name;
  }
  ExpectedRow expected;
  expected.id = RequestId{3};
  EXPECT_FALSE(CheckRowOutcome(expected, {.id = RequestId{4}}, {}).ok()) << "another request";
}

TEST(StepOutcomeTest, TheFlatVectorsMustHaveWhatTheRowsClaim) {
  StepOutcome outcome;
  outcome.rows = {{.num_sampled_tokens = 1}, {.num_sampled_tokens = 2, .num_draft_tokens = 1}};
  outcome.sampled_token_ids = {1, 2, 3};
  outcome.draft_token_ids = {4};
  EXPECT_TRUE(CheckTokenCounts(outcome).ok());
  outcome.rows[0].num_sampled_tokens = UINT32_MAX;
  EXPECT_FALSE(CheckTokenCounts(outcome).ok());
  outcome.rows[0].num_sampled_tokens = 1;
  outcome.draft_token_ids.clear();
  EXPECT_FALSE(CheckTokenCounts(outcome).ok());
}

}  // namespace
}  // namespace mao
