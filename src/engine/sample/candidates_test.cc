#include "engine/sample/candidates.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "engine/sample/fixture_lines.h"

namespace mao {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<Candidate> Select(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<Candidate> out;
  SelectCandidates(logits, params, out);
  return out;
}

SamplingParams Warm(float temperature = 1) {
  SamplingParams params;
  params.temperature = temperature;
  return params;
}

std::vector<double> Normalised(const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& c : candidates) sum += c.weight;
  std::vector<double> probs;
  for (const Candidate& c : candidates) probs.push_back(c.weight / sum);
  return probs;
}

TEST(CandidatesTest, MatchesEveryFixtureCase) {
  for (const auto& c : LogitsFixture("sampling_masks")) {
    SamplingParams params = Warm(c["temperature"]);
    params.top_k = c["top_k"];
    params.top_p = c["top_p"];
    params.min_p = c["min_p"];
    std::vector<Candidate> out = Select(FloatsOf(c["logits"]), params);
    std::vector<double> expected = c["probs"];
    ASSERT_EQ(out.size(), expected.size()) << c;
    if (c.contains("tie_at_edge")) {  // which of the equal ids stay is not laid down
      std::sort(expected.rbegin(), expected.rend());
      std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.weight > b.weight; });
    } else {
      std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.id < b.id; });
      for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].id, c["kept"][i]) << c;
    }
    const std::vector<double> probs = Normalised(out);
    for (size_t i = 0; i < probs.size(); ++i) EXPECT_NEAR(probs[i], expected[i], 1e-6) << c;
  }
}

TEST(CandidatesTest, ArgMaxTakesTheLowestIdAndNeverNan) {
  EXPECT_EQ(ArgMax(std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(ArgMax(std::vector<float>{kNan, -5, kNan, -7}), 1);
  EXPECT_EQ(ArgMax(std::vector<float>{-kInf, kNan}), std::nullopt);
  EXPECT_EQ(ArgMax(std::vector<float>{0, kInf, kInf}), 1);
}

TEST(CandidatesTest, ArgMaxFindsTheBestAtEveryPlaceOfEveryLength) {
  for (size_t size = 1; size < 70; ++size) {
    for (size_t place = 0; place < size; ++place) {
      std::vector<float> logits(size, -2);
      logits[0] = kNan;
      logits[place] = -1;
      ASSERT_EQ(ArgMax(logits), static_cast<TokenId>(place)) << size;
    }
  }
}

TEST(CandidatesTest, NanAndBannedIdsAreNoCandidates) {
  const auto out = Select({kNan, 1, -kInf, 1}, Warm());
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].id, 1);
  EXPECT_EQ(out[1].id, 3);
  EXPECT_TRUE(Select({kNan, -kInf}, Warm()).empty());
}

TEST(CandidatesTest, InfinityTakesAll) {
  const auto out = Select({1, kInf, kInf}, Warm());
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].id, 1);
}

TEST(CandidatesTest, TiesAtTheTopPEdgeGoToTheLowerIds) {
  SamplingParams params = Warm();
  params.top_p = 0.5F;
  const auto out = Select({2, 2, 2, 2}, params);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].id, 0);
  EXPECT_EQ(out[1].id, 1);
}

// The ids that Draw gives over an even grid of numbers are the distribution itself: no chance in
// it.
TEST(CandidatesTest, DrawFollowsTheWeightsExactly) {
  const std::vector<Candidate> candidates = {{1, 0, 4}, {0, 0, 5}, {5, 0, 6}, {2, 0, 7}};
  std::vector<int> counts(8, 0);
  constexpr int kGrid = 8000;
  for (int i = 0; i < kGrid; ++i) ++counts[Draw(candidates, (i + 0.5) / kGrid)];
  EXPECT_EQ(counts, (std::vector<int>{0, 0, 0, 0, 1000, 0, 5000, 2000}));
  EXPECT_EQ(Draw(candidates, 0), 4);
  EXPECT_EQ(Draw(candidates, std::nextafter(1.0, 0.0)), 7);
}

TEST(CandidatesTest, DrawNeverGivesAWeightlessId) {
  const std::vector<Candidate> candidates = {{0, 0, 1}, {0.1, 0, 2}, {0, 0, 3}};
  for (const double uniform : {0.0, 0.5, 1 - 0x1p-53}) EXPECT_EQ(Draw(candidates, uniform), 2);
}

}  // namespace
}  // namespace mao
