#include "text/pre_tokenizer.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using Behavior = PreTokenizer::Behavior;
using Metaspace = PreTokenizer::Metaspace;
using testing::ElementsAre;

struct Input {
  std::string text;
  bool at_start = true;
};

std::vector<std::string> Cut(const Input& input, auto... steps) {
  std::vector<PreTokenizer::Step> pipeline;
  (pipeline.push_back(std::move(steps)), ...);
  PieceList list{input.text, {{0, input.text.size()}}, input.at_start};
  RegexScratch scratch(input.text.size());
  const Status status = PreTokenizer(std::move(pipeline)).Apply(list, scratch);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<std::string> pieces;
  for (const TextRange& piece : list.pieces) {
    pieces.push_back(list.text.substr(piece.begin, piece.size()));
  }
  return pieces;
}

PreTokenizer::Step Split(const std::string& regex, Behavior behavior, bool invert = false) {
  Result<Pattern> pattern = Pattern::FromRegex(regex);
  EXPECT_TRUE(pattern.ok()) << pattern.status().ToString();
  return PreTokenizer::Split{*std::move(pattern), behavior, invert};
}

TEST(PreTokenizerTest, BehaviorsOfSplit) {
  const std::string text = "-the-final--countdown-";
  const auto cut = [&](Behavior behavior) { return Cut({text}, Split("-", behavior)); };
  EXPECT_THAT(cut(Behavior::kRemoved), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(cut(Behavior::kIsolated),
              ElementsAre("-", "the", "-", "final", "-", "-", "countdown", "-"));
  EXPECT_THAT(cut(Behavior::kMergedWithPrevious),
              ElementsAre("-", "the-", "final-", "-", "countdown-"));
  EXPECT_THAT(cut(Behavior::kMergedWithNext),
              ElementsAre("-the", "-final", "-", "-countdown", "-"));
  EXPECT_THAT(cut(Behavior::kContiguous),
              ElementsAre("-", "the", "-", "final", "--", "countdown", "-"));
}

TEST(PreTokenizerTest, InvertedSplit) {
  const auto cut = [&](Behavior behavior) {
    return Cut({"How are you?"}, Split("\\w+|[^\\w\\s]+", behavior, true));
  };
  EXPECT_THAT(cut(Behavior::kRemoved), ElementsAre("How", "are", "you", "?"));
  EXPECT_THAT(cut(Behavior::kIsolated), ElementsAre("How", " ", "are", " ", "you", "?"));
  EXPECT_THAT(cut(Behavior::kMergedWithNext), ElementsAre("How", " are", " you", "?"));
  EXPECT_THAT(cut(Behavior::kContiguous), ElementsAre("How", " ", "are", " ", "you?"));
}

TEST(PreTokenizerTest, EmptyMatchesCut) {
  EXPECT_THAT(Cut({"ab"}, Split("", Behavior::kMergedWithNext)), ElementsAre("a", "b"));
  EXPECT_THAT(Cut({"axxb"}, Split("x*", Behavior::kContiguous)), ElementsAre("a", "xx", "b"));
}

TEST(PreTokenizerTest, StepsSeeOnlyTheirPiece) {
  // For the second split every piece ends where the first one cut.
  EXPECT_THAT(
      Cut({"a  ,b  c"}, Split(",", Behavior::kIsolated), Split("\\s+(?!\\S)", Behavior::kIsolated)),
      ElementsAre("a", "  ", ",", "b", " ", " c"));
}

TEST(PreTokenizerTest, PrefixSpace) {
  EXPECT_THAT(Cut({"a- b-c"}, Split("-", Behavior::kRemoved), PreTokenizer::PrefixSpace{}),
              ElementsAre(" a", " b", " c"));
}

TEST(PreTokenizerTest, MetaspaceReplacesPrependsAndSplits) {
  const auto cut = [](const Input& input, Metaspace::Prepend prepend, bool split) {
    return Cut(input, Metaspace{"▁", prepend, split});
  };
  using Prepend = Metaspace::Prepend;
  EXPECT_THAT(cut({"a  b"}, Prepend::kAlways, true), ElementsAre("▁a", "▁", "▁b"));
  EXPECT_THAT(cut({" a b"}, Prepend::kAlways, false), ElementsAre("▁a▁b"));
  EXPECT_THAT(cut({"a b"}, Prepend::kNever, true), ElementsAre("a", "▁b"));
  EXPECT_THAT(cut({"a b"}, Prepend::kFirst, false), ElementsAre("▁a▁b"));
  EXPECT_THAT(cut({"a b", false}, Prepend::kFirst, false), ElementsAre("a▁b"));
}

}  // namespace
}  // namespace mao
