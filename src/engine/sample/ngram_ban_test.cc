#include "engine/sample/ngram_ban.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sample/fixture_lines.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SamplingParams Ngram(int size, int window, std::vector<TokenId> whitelist = {}) {
  SamplingParams params;
  params.no_repeat_ngram_size = size;
  params.no_repeat_ngram_window = window;
  params.no_repeat_ngram_whitelist = std::move(whitelist);
  return params;
}

std::vector<TokenId> BannedIds(const NgramBan& ban, int vocab_size) {
  std::vector<float> logits(vocab_size, 0.0F);
  ban.Apply(logits);
  std::vector<TokenId> banned;
  for (int id = 0; id < vocab_size; ++id) {
    if (std::isinf(logits[id])) banned.push_back(id);
  }
  return banned;
}

std::vector<TokenId> BannedAfter(const SamplingParams& params, const std::vector<TokenId>& ids,
                                 int vocab_size = 128) {
  NgramBan ban(params);
  for (const TokenId id : ids) ban.Push(id);
  return BannedIds(ban, vocab_size);
}

TEST(NgramBanTest, MatchesEveryFixtureCase) {
  int num_windows = 0;
  for (const auto& c : LogitsFixture("ngram")) {
    const bool windowed = c["kind"] == "window";
    num_windows += windowed;
    const SamplingParams params =
        Ngram(c["ngram_size"], windowed ? c["window_size"].get<int>() : 0,
              windowed ? c["whitelist"].get<std::vector<TokenId>>() : std::vector<TokenId>());
    EXPECT_EQ(BannedAfter(params, c["input_ids"]), c["banned"].get<std::vector<TokenId>>()) << c;
  }
  EXPECT_EQ(num_windows, 105);
}

TEST(NgramBanTest, VectorsOfTheSpecification) {
  EXPECT_THAT(BannedAfter(Ngram(4, 100), {1, 2, 3, 4, 1, 2, 3}), ElementsAre(4));
  EXPECT_THAT(BannedAfter(Ngram(4, 7), {1, 2, 3, 4, 1, 2, 3}), ElementsAre(4));
  EXPECT_THAT(BannedAfter(Ngram(4, 6), {1, 2, 3, 4, 1, 2, 3}), IsEmpty());
  EXPECT_THAT(BannedAfter(Ngram(2, 100), {5, 5, 5, 5}), ElementsAre(5));
  EXPECT_THAT(BannedAfter(Ngram(2, 100, {121, 122}), {121, 7, 121}), ElementsAre(7));
  EXPECT_THAT(BannedAfter(Ngram(1, 100), {1, 2}), IsEmpty());
}

// The definition, as the released processor writes it.
std::vector<TokenId> Reference(const std::vector<TokenId>& ids, size_t n, size_t window) {
  std::set<TokenId> banned;
  if (ids.size() < n) return {};
  for (size_t i = ids.size() > window ? ids.size() - window : 0; i + n <= ids.size(); ++i) {
    if (std::equal(ids.end() - static_cast<ptrdiff_t>(n - 1), ids.end(),
                   ids.begin() + static_cast<ptrdiff_t>(i))) {
      banned.insert(ids[i + n - 1]);
    }
  }
  return {banned.begin(), banned.end()};
}

TEST(NgramBanTest, IncrementalEqualsTheDefinitionAtEveryStepOfLongOutputs) {
  std::mt19937 random(7);
  for (const auto& [n, window] :
       std::vector<std::pair<int, int>>{{2, 9}, {3, 20}, {5, 5}, {4, 90}}) {
    NgramBan ban(Ngram(n, window));
    std::vector<TokenId> ids;
    for (int step = 0; step < 600; ++step) {
      ids.push_back(static_cast<TokenId>(random() % 3));
      ban.Push(ids.back());
      ASSERT_EQ(BannedIds(ban, 3), Reference(ids, n, window)) << n << " " << window << " " << step;
    }
  }
}

TEST(NgramBanTest, OffBansNothingAndIdsOutsideTheLogitsAreIgnored) {
  EXPECT_THAT(BannedAfter(Ngram(0, 90), {1, 1, 1}), IsEmpty());
  EXPECT_THAT(BannedAfter(Ngram(2, 90), {1000, 1000, 1000}, 8), IsEmpty());
}

}  // namespace
}  // namespace mao
