#include "engine/sample/penalties.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/sample/fixture_lines.h"

namespace mao {
namespace {

TEST(PenaltiesTest, MatchesEveryFixtureCase) {
  for (const auto& c : LogitsFixture("penalties")) {
    SamplingParams params;
    params.repetition_penalty = c["repetition_penalty"];
    params.presence_penalty = c["presence_penalty"];
    params.frequency_penalty = c["frequency_penalty"];
    std::vector<float> logits = FloatsOf(c["logits"]);
    const std::vector<float> expected = FloatsOf(c["expected"]);
    Penalties penalties(params, c["prompt_ids"].get<std::vector<TokenId>>(),
                        static_cast<int>(logits.size()));
    for (const TokenId id : c["output_ids"]) penalties.Push(id);
    penalties.Apply(logits);
    for (size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], expected[i], 1e-6) << i << c;
  }
}

TEST(PenaltiesTest, OffTakesNoEffect) {
  Penalties penalties(SamplingParams{}, std::vector<TokenId>{1}, 4);
  penalties.Push(2);
  std::vector<float> logits = {1, 2, 3, 4};
  penalties.Apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_FALSE(penalties.active());
}

TEST(PenaltiesTest, PlaceholderIdsOfThePromptCountForNothing) {
  SamplingParams params;
  params.repetition_penalty = 2;
  const Penalties penalties(params, std::vector<TokenId>{-1, 3, 99}, 4);
  std::vector<float> logits = {1, 1, 1, 1};
  penalties.Apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{1, 1, 1, 0.5F}));
}

}  // namespace
}  // namespace mao
