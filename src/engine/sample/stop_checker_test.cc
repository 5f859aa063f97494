#include "engine/sample/stop_checker.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(TokenStopCheckerTest, EndsByIdLengthAndRepetition) {
  SamplingParams params;
  params.stop_token_ids = {5};
  params.max_tokens = 3;
  const std::vector<TokenId> eos = {1};
  TokenStopChecker checker(params, eos);
  EXPECT_EQ(checker.Push(7), StopReason::kNone);
  EXPECT_EQ(TokenStopChecker(checker).Push(1), StopReason::kEndOfText);
  EXPECT_EQ(TokenStopChecker(checker).Push(5), StopReason::kStopToken);
  EXPECT_EQ(checker.Push(7), StopReason::kNone);
  EXPECT_EQ(TokenStopChecker(checker).Push(1), StopReason::kEndOfText) << "before the length";
  EXPECT_EQ(checker.Push(7), StopReason::kMaxTokens);
}

TEST(TokenStopCheckerTest, IgnoreEosLeavesStopIdsAlone) {
  SamplingParams params;
  params.ignore_eos = true;
  params.stop_token_ids = {5};
  TokenStopChecker checker(params, std::vector<TokenId>{1});
  EXPECT_EQ(checker.Push(1), StopReason::kNone);
  EXPECT_EQ(checker.Push(5), StopReason::kStopToken);
}

TEST(TokenStopCheckerTest, RepetitionOnlyOnRequest) {
  SamplingParams params;
  for (const bool detect : {false, true}) {
    params.detect_loops = detect;
    TokenStopChecker checker(params, {});
    StopReason reason = StopReason::kNone;
    for (int i = 0; i < 1025; ++i) reason = checker.Push(9);
    EXPECT_EQ(reason, detect ? StopReason::kRepetition : StopReason::kNone);
  }
}

struct Shown {
  std::string text;
  std::optional<std::string> stopped;
};

Shown FeedInPieces(const std::vector<std::string>& stops, const std::string& text,
                   const std::vector<size_t>& piece_sizes) {
  StopStringFilter filter(stops);
  Shown shown;
  size_t at = 0;
  for (size_t i = 0; at < text.size(); ++i) {
    const size_t size = std::min(text.size() - at, piece_sizes[i % piece_sizes.size()]);
    shown.text += filter.Feed(std::string_view(text).substr(at, size));
    at += size;
  }
  shown.text += filter.Finish();
  shown.stopped = filter.stopped();
  return shown;
}

TEST(StopStringFilterTest, HoldsBackOnlyWhatMayBecomeAStopString) {
  StopStringFilter filter(std::vector<std::string>{"</table>", "END"});
  EXPECT_EQ(filter.Feed("a <"), "a ");
  EXPECT_EQ(filter.Feed("/tab"), "");
  EXPECT_EQ(filter.Feed("b>"), "</tabb>");
  EXPECT_EQ(filter.Feed("EN"), "");
  EXPECT_EQ(filter.Feed(""), "");
  EXPECT_EQ(filter.Feed("Dx"), "");
  EXPECT_EQ(filter.stopped(), "END");
  EXPECT_EQ(filter.Feed("more"), "");
  EXPECT_EQ(filter.Finish(), "");
}

TEST(StopStringFilterTest, FinishGivesBackWhatWasHeld) {
  StopStringFilter filter(std::vector<std::string>{"abc"});
  EXPECT_EQ(filter.Feed("xab"), "x");
  EXPECT_EQ(filter.Finish(), "ab");
  EXPECT_FALSE(filter.stopped());
}

TEST(StopStringFilterTest, FirstCompleteWinsAndThenTheLongest) {
  EXPECT_EQ(FeedInPieces({"bcd", "c"}, "abcd", {4}).text, "ab");
  const Shown both = FeedInPieces({"c", "bc"}, "abc", {4});
  EXPECT_EQ(both.text, "a");
  EXPECT_EQ(both.stopped, "bc");
}

TEST(StopStringFilterTest, OverlappingPrefixesAreNotMissed) {
  EXPECT_EQ(FeedInPieces({"aab"}, "aaab!", {1}).text, "a");
  EXPECT_EQ(FeedInPieces({"abab!"}, "ababab!x", {1}).text, "ab");
}

TEST(StopStringFilterTest, WithoutStopStringsTextPassesAtOnce) {
  StopStringFilter filter({});
  EXPECT_EQ(filter.Feed("abc"), "abc");
  EXPECT_EQ(StopStringFilter(std::vector<std::string>{""}).Feed("abc"), "abc");
}

// Against a search in the whole text, over random texts of few letters and random cuts.
TEST(StopStringFilterTest, EqualsASearchInTheWholeTextHoweverItIsCut) {
  std::mt19937 random(11);
  const auto word = [&random](size_t length) {
    std::string text(length, 'a');
    for (char& c : text) c = random() % 3 == 0 ? 'b' : 'a';
    return text;
  };
  int num_stopped = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::string> stops = {word(2 + random() % 5), word(3 + random() % 6)};
    const std::string text = word(random() % 30);
    size_t best_end = std::string::npos;
    size_t best_begin = std::string::npos;
    for (const std::string& stop : stops) {
      const size_t begin = text.find(stop);
      if (begin == std::string::npos) continue;
      const size_t end = begin + stop.size();
      if (end < best_end || (end == best_end && begin < best_begin)) {
        best_end = end;
        best_begin = begin;
      }
    }
    const Shown shown = FeedInPieces(stops, text, {1 + random() % 4, 1 + random() % 4});
    EXPECT_EQ(shown.text, text.substr(0, best_begin)) << text << " " << stops[0] << " " << stops[1];
    EXPECT_EQ(shown.stopped.has_value(), best_begin != std::string::npos);
    num_stopped += shown.stopped.has_value();
  }
  EXPECT_GT(num_stopped, 200);
  EXPECT_LT(num_stopped, 1900);
}

}  // namespace
}  // namespace mao
