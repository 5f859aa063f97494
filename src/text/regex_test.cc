#include "text/regex.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/regex_syntax.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Matches(std::string_view pattern, std::string_view text) {
  const Result<Regex> regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().ToString();
  RegexScratch scratch(text.size());
  std::vector<TextRange> ranges;
  const Status status = regex->FindAll(text, scratch, ranges);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<std::string> matches;
  for (const TextRange& range : ranges)
    matches.emplace_back(text.substr(range.begin, range.size()));
  return matches;
}

TEST(RegexTest, FindsAll) {
  EXPECT_THAT(Matches("\\p{L}+", "ab, é中 x"), ElementsAre("ab", "é中", "x"));
  EXPECT_THAT(Matches("(?i:'s|'ll)", "'S 'lL 'x"), ElementsAre("'S", "'lL"));
  EXPECT_THAT(Matches("\\s+(?!\\S)|\\s+", "a   b "), ElementsAre("  ", " ", " "));
}

TEST(RegexTest, EmptyMatchBehindAMatchDoesNotCount) {
  EXPECT_THAT(Matches("a*", "baac"), ElementsAre("", "aa", ""));
  EXPECT_THAT(Matches("", "中"), ElementsAre("", ""));
}

TEST(RegexTest, OnigurumaEscapes) {
  EXPECT_THAT(Matches("\\s", "\u180E\u0085\u3000"), ElementsAre("\u0085", "\u3000"));
  EXPECT_THAT(Matches("[x\\s]", "\u180E\u0085x"), ElementsAre("\u0085", "x"));
  EXPECT_THAT(Matches("\\S", " \u180E"), ElementsAre("\u180E"));
  EXPECT_THAT(Matches("\\h+|\\H", "fg"), ElementsAre("f", "g"));
  EXPECT_THAT(Matches("^b$", "a\nb\nc"), ElementsAre("b"));
  EXPECT_THAT(Matches(".", "\n\r"), ElementsAre("\r"));
  EXPECT_THAT(Matches("[]a]", "]a[:"), ElementsAre("]", "a"));
  EXPECT_THAT(Matches("[[:digit:]x]", "1x:"), ElementsAre("1", "x"));
}

TEST(RegexTest, RefusesWhatPcre2ReadsOtherwise) {
  for (const char* pattern : {"[a[b]]", "[a&&b]", "[^\\S]", "(?m:.)", "(?im).", "[a[:b]"}) {
    EXPECT_EQ(Regex::Compile(pattern).status().code(), StatusCode::kUnimplemented) << pattern;
  }
  EXPECT_TRUE(Regex::Compile("\\[[^\\]]&&(?i-x:a)(?:b)(?=c)(?<!d)").ok());
}

TEST(RegexTest, FarMatchesAreFoundAcrossSearchWindows) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "中";
  text += "7";
  EXPECT_THAT(Matches("\\p{N}", text), ElementsAre("7"));
  EXPECT_THAT(Matches("中+(?=7)", text).size(), 1u);
}

TEST(RegexTest, DeepGroupsGetABiggerStack) {
  const std::string text(20'000, 'a');
  EXPECT_THAT(Matches("(?:(a)|b)+", text), ElementsAre(text));
}

TEST(RegexTest, BacktrackingIsLimited) {
  const Result<Regex> regex = Regex::Compile("(x+x+)+y");
  ASSERT_TRUE(regex.ok());
  const std::string text(3000, 'x');
  RegexScratch scratch(text.size());
  std::vector<TextRange> ranges;
  // "y" occurs, or else PCRE2 would see at once that nothing can match.
  const Status status = regex->FindAll(text + "zy", scratch, ranges);
  EXPECT_EQ(status.code(), StatusCode::kOutOfRange);
  EXPECT_THAT(status.message(), HasSubstr("(x+x+)+y"));
}

TEST(RegexTest, TimeIsLimited) {
  const Result<Regex> regex = Regex::Compile("x");
  ASSERT_TRUE(regex.ok());
  RegexScratch scratch(RegexScratch::Clock::now());
  std::vector<TextRange> ranges;
  const Status status = regex->FindAll(std::string(1000, 'x'), scratch, ranges);
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
}

TEST(RegexTest, StackIsLimited) {
  const Result<Regex> regex = Regex::Compile("(?:(a)|b)+c");
  ASSERT_TRUE(regex.ok());
  const std::string text(4'000'000, 'a');
  RegexScratch scratch(text.size());
  std::vector<TextRange> ranges;
  EXPECT_EQ(regex->FindAll(text + "c", scratch, ranges).code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace mao
