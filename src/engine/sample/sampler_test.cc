#include "engine/sample/sampler.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {
thread_local long num_allocations = 0;
}  // namespace

// Counts allocations, for the promise that a step makes none.
[[gnu::noinline]] void* operator new(size_t size) {
  ++num_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace mao {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int kVocabSize = 50;

SamplingState MakeState(SamplingParams params, std::vector<TokenId> prompt = {},
                        std::vector<TokenId> eos = {}, int vocab_size = kVocabSize) {
  auto state = SamplingState::Create(std::move(params), prompt, vocab_size, eos);
  EXPECT_TRUE(state.ok()) << state.status().message();
  return std::move(state).value();
}

std::vector<float> Logits(int step, int vocab_size = kVocabSize) {
  std::vector<float> logits(vocab_size);
  for (int i = 0; i < vocab_size; ++i) {
    logits[i] = static_cast<float>(2 * std::sin(0.7 * i + step) + std::cos(0.3 * i * step));
  }
  return logits;
}

TokenId Step(Sampler& sampler, SamplingState& state, int step) {
  std::vector<float> logits = Logits(step, state.vocab_size());
  const auto token = sampler.Sample(state, logits);
  EXPECT_TRUE(token.ok()) << token.status().message();
  return token->id;
}

std::vector<TokenId> Decode(Sampler& sampler, SamplingState& state, int steps) {
  std::vector<TokenId> ids;
  for (int step = 0; step < steps; ++step) ids.push_back(Step(sampler, state, step));
  return ids;
}

SamplingParams Seeded(uint64_t seed) {
  SamplingParams params;
  params.temperature = 1;
  params.seed = seed;
  return params;
}

TEST(SamplerTest, GreedyTakesTheLowestOfTheBestAndSkipsNan) {
  Sampler sampler(4);
  SamplingState state = MakeState({}, {}, {}, 4);
  std::vector<float> logits = {kNan, 2, 5, 5};
  EXPECT_EQ(sampler.Sample(state, logits)->id, 2);
}

TEST(SamplerTest, SaysWhoseFaultItIsWhenNoIdIsLeft) {
  Sampler sampler(2);
  for (const float temperature : {0.0F, 1.0F}) {
    SamplingParams params;
    params.temperature = temperature;
    params.min_tokens = 1;
    std::vector<float> nans = {kNan, kNan};
    SamplingState broken = MakeState(params, {}, {}, 2);
    EXPECT_EQ(sampler.Sample(broken, nans).status().code(), StatusCode::kInternal);
    EXPECT_EQ(broken.num_output(), 0);
    std::vector<float> fine = {1, 2};
    SamplingState banned = MakeState(params, {}, {0, 1}, 2);
    EXPECT_EQ(sampler.Sample(banned, fine).status().code(), StatusCode::kInvalidArgument);
  }
  std::vector<float> three(3);
  SamplingState state = MakeState({}, {}, {}, 2);
  EXPECT_EQ(sampler.Sample(state, three).status().code(), StatusCode::kInternal);
}

TEST(SamplerTest, InvalidParamsMakeNoState) {
  SamplingParams params;
  params.top_p = 0;
  EXPECT_EQ(SamplingState::Create(params, {}, 10).status().code(), StatusCode::kInvalidArgument);
}

TEST(SamplerTest, ASeedGivesOneText) {
  Sampler sampler(kVocabSize);
  SamplingState a = MakeState(Seeded(1));
  SamplingState b = MakeState(Seeded(1));
  SamplingState c = MakeState(Seeded(2));
  const auto ids = Decode(sampler, a, 40);
  EXPECT_EQ(Decode(sampler, b, 40), ids);
  EXPECT_NE(Decode(sampler, c, 40), ids);
}

// Fixed, so that a change of the random source or of an order of summation is seen.
TEST(SamplerTest, ASeedGivesTheTextThatItAlwaysGave) {
  Sampler sampler(kVocabSize);
  SamplingState plain = MakeState(Seeded(1234));
  SamplingParams params = Seeded(1234);
  params.top_k = 20;
  params.top_p = 0.9F;
  params.min_p = 0.02F;
  SamplingState masked = MakeState(params);
  EXPECT_THAT(Decode(sampler, plain, 8), testing::ElementsAre(3, 27, 8, 35, 5, 38, 49, 36));
  EXPECT_THAT(Decode(sampler, masked, 8), testing::ElementsAre(38, 20, 9, 15, 5, 49, 30, 21));
}

TEST(SamplerTest, WithoutASeedTextsDifferAndTheDrawnSeedRepeatsThem) {
  Sampler sampler(kVocabSize);
  SamplingParams params;
  params.temperature = 1;
  SamplingState first = MakeState(params);
  SamplingState second = MakeState(params);
  EXPECT_NE(first.seed(), second.seed());
  SamplingState again = MakeState(Seeded(first.seed()));
  EXPECT_EQ(Decode(sampler, first, 20), Decode(sampler, again, 20));
}

TEST(SamplerTest, NeighboursInTheBatchChangeNothing) {
  SamplingParams params = Seeded(5);
  params.repetition_penalty = 1.2F;
  params.no_repeat_ngram_size = 2;
  Sampler alone(kVocabSize);
  SamplingState state = MakeState(params, {1, 2, 3});
  const auto ids = Decode(alone, state, 30);

  Sampler shared(kVocabSize);
  SamplingState same = MakeState(params, {1, 2, 3});
  SamplingState greedy = MakeState({}, {4});
  SamplingState other = MakeState(Seeded(6), {5});
  std::vector<TokenId> mixed;
  for (int step = 0; step < 30; ++step) {
    Step(shared, other, 3 * step);
    mixed.push_back(Step(shared, same, step));
    if (step % 3 == 0) Step(shared, greedy, step + 1);
  }
  EXPECT_EQ(mixed, ids);
}

// Over the steps the drawn numbers are as good as independent, so the counts stay within five
// standard deviations of the exact probabilities; the seed is fixed, so this never flickers.
TEST(SamplerTest, FrequenciesFollowTheProbabilities) {
  Sampler sampler(4);
  SamplingParams params = Seeded(99);
  params.temperature = 0.5F;
  params.max_tokens = 20000;
  SamplingState state = MakeState(params, {}, {}, 4);
  const std::vector<float> raw = {0.0F, 0.5F, 1.0F, -kInf};
  std::vector<int> counts(4, 0);
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> logits = raw;
    ++counts[sampler.Sample(state, logits)->id];
  }
  const double sum = 1 + std::exp(1.0) + std::exp(2.0);
  for (int id = 0; id < 3; ++id) {
    const double p = std::exp(static_cast<double>(id)) / sum;
    EXPECT_NEAR(counts[id], 20000 * p, 5 * std::sqrt(20000 * p * (1 - p))) << id;
  }
  EXPECT_EQ(counts[3], 0);
}

TEST(SamplerTest, LogprobsAreThoseOfTheRawLogits) {
  Sampler sampler(4);
  SamplingParams params;
  params.temperature = 0;
  params.repetition_penalty = 10;
  params.logprobs = 2;
  SamplingState state = MakeState(params, {3}, {}, 4);
  std::vector<float> logits = {1, 2, 0, 3};  // the penalty takes 3 down to 0.3
  const auto token = sampler.Sample(state, logits);
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->id, 1);
  const double sum = std::exp(1.0) + std::exp(2.0) + 1 + std::exp(3.0);
  EXPECT_NEAR(*token->logprob, 2 - std::log(sum), 1e-6);
  ASSERT_EQ(token->top_logprobs().size(), 2U);
  EXPECT_EQ(token->top_logprobs()[0].id, 3);
  EXPECT_NEAR(token->top_logprobs()[0].logprob, 3 - std::log(sum), 1e-6);
  EXPECT_EQ(token->top_logprobs()[1].id, 1);

  params.logprobs = -1;
  SamplingState quiet = MakeState(params, {3}, {}, 4);
  std::vector<float> again = {1, 2, 0, 3};
  EXPECT_FALSE(sampler.Sample(quiet, again)->logprob.has_value());
}

TEST(SamplerTest, MinTokensHoldsTheEndBack) {
  Sampler sampler(3);
  SamplingParams params;
  params.min_tokens = 2;
  params.stop_token_ids = {1};
  SamplingState state = MakeState(params, {}, {2}, 3);
  std::vector<TokenId> ids;
  for (int step = 0; step < 3; ++step) {
    std::vector<float> logits = {1, 2, 3};
    ids.push_back(sampler.Sample(state, logits)->id);
  }
  EXPECT_THAT(ids, testing::ElementsAre(0, 0, 2));
}

TEST(SamplerTest, TheNgramBanHoldsUnderGreedyDecoding) {
  Sampler sampler(3);
  SamplingParams params;
  params.no_repeat_ngram_size = 2;
  SamplingState state = MakeState(params, {}, {}, 3);
  std::vector<TokenId> ids;
  for (int step = 0; step < 5; ++step) {
    std::vector<float> logits = {3, 2, 1};
    ids.push_back(sampler.Sample(state, logits)->id);
  }
  EXPECT_THAT(ids, testing::ElementsAre(0, 0, 1, 0, 2));
}

TEST(SamplerTest, AStepDoesNotAllocate) {
  Sampler sampler(kVocabSize);
  SamplingParams greedy;
  greedy.no_repeat_ngram_size = 3;
  greedy.no_repeat_ngram_whitelist = {1};
  greedy.logprobs = 5;
  SamplingParams whole = greedy;
  whole.no_repeat_ngram_window = 0;
  SamplingParams warm = Seeded(3);
  warm.top_k = 10;
  warm.top_p = 0.8F;
  warm.frequency_penalty = 0.1F;
  warm.logprobs = 1;
  for (const SamplingParams& params : {greedy, whole, warm}) {
    SamplingState state = MakeState(params, {1, 2});
    for (int step = 0; step < 300; ++step) {
      std::vector<float> logits = Logits(step);
      const long before = num_allocations;
      const auto token = sampler.Sample(state, logits);
      ASSERT_EQ(num_allocations, before) << "step " << step;
      ASSERT_TRUE(token.ok());
    }
  }
}

}  // namespace
}  // namespace mao
