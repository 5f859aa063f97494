// Sampling under a constraint: it goes before penalties and bans, and none of them can defeat it.
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sample/sampler.h"

namespace mao {
namespace {

using testing::HasSubstr;

// One token for each of these bytes; 0 ends the text, 1 is special.
constexpr std::string_view kBytes = "__abcx";
constexpr int kVocabSize = 70;  // more than tokens, as padded models have it
constexpr TokenId kEos = 0;

std::shared_ptr<const Constraint> Compiled(const ConstraintSpec& spec) {
  std::vector<std::string> tokens(kBytes.size());
  for (size_t id = 2; id < tokens.size(); ++id) tokens[id] = kBytes[id];
  auto vocabulary = std::make_shared<ConstraintVocabulary>();
  vocabulary->later = std::make_shared<const TokenTree>(std::move(tokens));
  vocabulary->first = vocabulary->later;
  auto constraint = CompileConstraint(spec, std::move(vocabulary));
  EXPECT_TRUE(constraint.ok()) << constraint.status().ToString();
  return std::move(constraint).value();
}

SamplingState MakeState(SamplingParams params, const std::string& regex) {
  params.constraint = ConstraintSpec{ConstraintSpec::Kind::kRegex, regex};
  auto constraint = Compiled(*params.constraint);
  auto state = SamplingState::Create(std::move(params), {}, kVocabSize, std::vector<TokenId>{kEos},
                                     std::move(constraint));
  EXPECT_TRUE(state.ok()) << state.status().ToString();
  return std::move(state).value();
}

// The model would rather say x, and end, than anything else.
std::vector<float> Logits() {
  std::vector<float> logits(kVocabSize, 50);
  for (size_t id = 2; id < kBytes.size(); ++id) logits[id] = static_cast<float>(id);
  return logits;
}

std::string Decode(SamplingState& state, int max_tokens = 50) {
  Sampler sampler(kVocabSize);
  std::string text;
  while (max_tokens-- > 0 && !state.text_is_over()) {
    std::vector<float> logits = Logits();
    const auto token = sampler.Sample(state, logits);
    EXPECT_TRUE(token.ok()) << token.status().ToString();
    if (!token.ok() || token->id == kEos) break;
    text += kBytes[token->id];
  }
  return text;
}

TEST(ConstrainedSamplingTest, OnlyAllowedIdsAreChosen) {
  SamplingState state = MakeState({}, "(ab?c){2}");
  EXPECT_EQ(Decode(state), "acac");
  EXPECT_TRUE(state.text_is_over());
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SamplingParams params;
    params.temperature = 50;
    params.top_p = 0.9F;
    params.seed = seed;
    SamplingState random = MakeState(params, "[abc]{3}x");
    const std::string text = Decode(random);
    ASSERT_EQ(text.size(), 4u);
    EXPECT_EQ(text.find('x'), 3u);
  }
}

TEST(ConstrainedSamplingTest, EndOfTextComesWhenTheTextIsComplete) {
  SamplingState state = MakeState({}, "ab*");
  EXPECT_EQ(Decode(state), "a");  // the model wants to end, and then may
  EXPECT_TRUE(state.text_is_over());
  SamplingParams params;
  params.ignore_eos = true;
  SamplingState endless = MakeState(params, "ab*");
  EXPECT_EQ(Decode(endless, 5), "abbbb");
}

TEST(ConstrainedSamplingTest, SpecialStopIdsEndTheTextAsWell) {
  SamplingParams params;
  params.ignore_eos = true;
  params.stop_token_ids = {1};
  SamplingState state = MakeState(params, "ab*");
  Sampler sampler(kVocabSize);
  std::vector<float> logits = Logits();
  EXPECT_EQ(sampler.Sample(state, logits)->id, 2);
  logits = Logits();
  EXPECT_EQ(sampler.Sample(state, logits)->id, 1);
  EXPECT_TRUE(state.text_is_over());
}

TEST(ConstrainedSamplingTest, BansCountOnlyWhereTheyLeaveAChoice) {
  SamplingParams params;
  params.no_repeat_ngram_size = 1;
  params.no_repeat_ngram_window = 0;  // no id twice
  SamplingState forced = MakeState(params, "a{20}");
  EXPECT_EQ(Decode(forced), std::string(20, 'a'));
  SamplingState free = MakeState(params, "[abc]{5}");
  EXPECT_EQ(Decode(free), "cbacc");  // each once, then as if nothing were banned
  params.no_repeat_ngram_size = 0;
  params.min_tokens = 10;
  SamplingState longer = MakeState(params, "ab{0,3}");
  EXPECT_EQ(Decode(longer), "abbb");  // no longer one is allowed
}

TEST(ConstrainedSamplingTest, PenaltiesChooseAmongAllowedIds) {
  SamplingParams params;
  params.frequency_penalty = 2;
  SamplingState state = MakeState(params, "[bc]{4}");
  EXPECT_EQ(Decode(state), "cbcb");
}

TEST(ConstrainedSamplingTest, LogprobsAreThoseOfTheModel) {
  SamplingParams params;
  params.logprobs = 2;
  SamplingState state = MakeState(params, "a");
  Sampler sampler(kVocabSize);
  std::vector<float> logits = Logits();
  const double log_sum_exp = LogSumExp(logits);
  const auto token = sampler.Sample(state, logits);
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->id, 2);
  EXPECT_FLOAT_EQ(*token->logprob, static_cast<float>(2 - log_sum_exp));
  EXPECT_EQ(token->top[0].id, 0);  // which the constraint forbids
}

TEST(ConstrainedSamplingTest, SaysWhyNoIdIsLeft) {
  Sampler sampler(kVocabSize);
  SamplingState state = MakeState({}, "z");  // no token spells it
  std::vector<float> logits = Logits();
  EXPECT_THAT(sampler.Sample(state, logits).status().message(), HasSubstr("its constraint"));
  SamplingState nan_state = MakeState({}, "a");
  std::vector<float> nans(kVocabSize, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(sampler.Sample(nan_state, nans).status().code(), StatusCode::kInternal);
}

TEST(ConstrainedSamplingTest, LoopsAreNotLookedForAndASpecNeedsItsConstraint) {
  SamplingParams params;
  params.detect_loops = true;
  EXPECT_FALSE(MakeState(params, "a{3}").params().detect_loops);
  params.constraint = ConstraintSpec{};
  EXPECT_EQ(SamplingState::Create(params, {}, kVocabSize).status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace mao
