// Expressions as grammars, against std::regex on every short text of a small alphabet.
#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/constraint/grammar_for_test.h"

namespace mao {
namespace {

using testing::HasSubstr;

std::vector<std::string> AllTexts(std::string_view alphabet, size_t max_size) {
  std::vector<std::string> texts = {""};
  for (size_t begin = 0, size = 0; size < max_size; ++size) {
    const size_t end = texts.size();
    for (; begin < end; ++begin) {
      for (const char c : alphabet) texts.push_back(texts[begin] + c);
    }
  }
  return texts;
}

TEST(RegexTest, MatchesWhatStdRegexMatches) {
  const char* const kExpressions[] = {"",
                                      "a",
                                      "ab|ba",
                                      "a*",
                                      "(a|b)*ab",
                                      "(ab)*",
                                      "(a*)*",
                                      "(a*b*)*",
                                      "(a?b?){2,3}",
                                      "a{2,4}b",
                                      "a{0,2}",
                                      "a{3}",
                                      "(a|ab)(b|ba)",
                                      "(a*)+b",
                                      "((a|b)(a|b))*",
                                      "[ab]+c",
                                      "[^a]b",
                                      "[^ab]",
                                      "a.c",
                                      "(|a)b",
                                      "(a|)+",
                                      "a+?b*?",
                                      "(?:ab)+",
                                      "(a{2}){2}",
                                      "(a{1,2}){2}b",
                                      "a{0}b",
                                      "(a?){0,3}b",
                                      "(ab?)*a",
                                      "((a?b)*c?)*",
                                      "^a|b$",
                                      "^(a|b)c$",
                                      "\\x61\\u0062",
                                      "[a-c]{2}",
                                      "(a|b|c){3}",
                                      "(aa|aaa)*",
                                      "(a*b){2}",
                                      "(a*b?){2}c",
                                      "(a+){2,}",
                                      "((a{0,2}b?)?c?)*",
                                      "a{40,}|b",
                                      "(ab){3,20}c?",
                                      "[a-b]{33}|c",
                                      "(a?){34}b"};
  // Up to 7 bytes: longer ones follow in LongRepetitionsAreCounted.
  const std::vector<std::string> texts = AllTexts("abc", 7);
  for (const char* expression : kExpressions) {
    Matcher matcher(GrammarOfRegex(expression));
    const std::regex reference(expression);
    for (const std::string& text : texts) {
      ASSERT_EQ(matcher.Matches(text), std::regex_match(text, reference))
          << expression << " on \"" << text << '"';
    }
  }
}

// A text is a prefix if and only if some longer one is allowed.
TEST(RegexTest, PrefixesAreThoseOfAllowedTexts) {
  for (const char* expression : {"(ab|ba)c{1,2}", "a(b|c){2}a?", "(a?b?c?){1,2}", "(abc|acb){2}"}) {
    Matcher matcher(GrammarOfRegex(expression));
    const std::vector<std::string> texts = AllTexts("abc", 7);
    const std::regex reference(expression);
    std::vector<std::string> prefixes;
    for (const std::string& text : texts) {
      if (!std::regex_match(text, reference)) continue;
      for (size_t size = 0; size <= text.size(); ++size) prefixes.push_back(text.substr(0, size));
    }
    std::sort(prefixes.begin(), prefixes.end());
    for (const std::string& text : texts) {
      ASSERT_EQ(matcher.IsPrefix(text), std::binary_search(prefixes.begin(), prefixes.end(), text))
          << expression << " on \"" << text << '"';
    }
  }
}

TEST(RegexTest, LongRepetitionsAreCounted) {
  Matcher counted(GrammarOfRegex("(ab?){40,60}c"));
  Matcher nested(GrammarOfRegex("((a{3}|b){20}){2,3}"));
  Matcher open(GrammarOfRegex("[ab]{50,}"));
  for (int n = 0; n < 70; ++n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += i % 3 == 0 ? "ab" : "a";
    EXPECT_EQ(counted.Matches(text + "c"), n >= 40 && n <= 60) << n;
    EXPECT_EQ(counted.IsPrefix(text), n <= 60) << n;
    EXPECT_EQ(nested.Matches(std::string(n, 'b')), n == 40 || n == 60) << n;
    EXPECT_EQ(nested.IsPrefix(std::string(n, 'b')), n <= 60) << n;
    EXPECT_EQ(open.Matches(std::string(n, 'b')), n >= 50) << n;
  }
  EXPECT_LT(counted.LargestState(), 4u);
}

TEST(RegexTest, ClassesAreSetsOfCharactersNotBytes) {
  Matcher any(GrammarOfRegex(".{2}"));
  EXPECT_TRUE(any.Matches("你好"));
  EXPECT_TRUE(any.Matches("😀a"));
  EXPECT_TRUE(any.IsPrefix("你\xE5"));
  EXPECT_FALSE(any.Matches("你"));
  EXPECT_FALSE(any.IsPrefix("\x80"));
  EXPECT_FALSE(any.IsPrefix("\xC0"));
  EXPECT_FALSE(any.IsPrefix("\xED\xA0"));  // half a surrogate
  EXPECT_FALSE(any.IsPrefix("\n"));
  EXPECT_FALSE(any.IsPrefix("\u2028"));
  Matcher han(GrammarOfRegex("[一-龥]+"));
  EXPECT_TRUE(han.Matches("报告"));
  EXPECT_FALSE(han.IsPrefix("a"));
  EXPECT_FALSE(han.IsPrefix("。"));
  Matcher not_digit(GrammarOfRegex("[^\\d,]"));
  EXPECT_TRUE(not_digit.Matches("好"));
  EXPECT_FALSE(not_digit.IsPrefix("7"));
  EXPECT_FALSE(not_digit.IsPrefix(","));
  Matcher spaces(GrammarOfRegex("\\s\\S"));
  EXPECT_TRUE(spaces.Matches("\u3000好"));
  EXPECT_FALSE(spaces.IsPrefix(" \u00A0"));
  Matcher emoji(GrammarOfRegex("\\uD83D\\uDE00\\u{1F601}\\x41\\cA\\0[\\b\\-\\]]"));
  EXPECT_TRUE(emoji.Matches(std::string("😀😁A\x01\0]", 12)));
}

TEST(RegexTest, SaysWhereAnExpressionIsNotSupported) {
  const struct {
    const char* expression;
    const char* message;
  } kCases[] = {{"ab(?=c)", "byte 2: look-around"},
                {"(?<!a)b", "byte 0: look-around"},
                {"(?i)a", "byte 0: look-around and flags"},
                {"(a)\\1", "byte 3: back references"},
                {"a\\b", "byte 1: word boundaries"},
                {"\\p{L}", "byte 0: Unicode properties"},
                {"a^b", "byte 1: anchors"},
                {"(a$)", "byte 2: anchors"},
                {"a$b", "byte 2: $ is supported at the end only"},
                {"(ab", "byte 0: a ( without"},
                {"ab)", "byte 2: a ) without"},
                {"[ab", "byte 0: a [ without"},
                {"[]a]", "byte 0: a class without characters"},
                {"[b-a]", "byte 1: a range"},
                {"[\\d-z]", "byte 1: a range"},
                {"*a", "byte 0: a quantifier without"},
                {"a**", "byte 2: a quantifier after"},
                {"a{2}{3}", "byte 4: a quantifier after"},
                {"a{,3}", "byte 1: a { without counts"},
                {"a{3", "byte 1: a { without counts"},
                {"a{3,2}", "byte 1: counts in the wrong order"},
                {"a{10000000}", "byte 1: a count above the limit of 1000000"},
                {"\\u12", "byte 0: an escape without"},
                {"\\uD800", "byte 0: an escape that is no character"},
                {"\\uD800\\u0041", "byte 0: half a surrogate pair"},
                {"\\q", "byte 0: the escape \\q is not known"},
                {"a\\", "byte 1: a backslash at the end"},
                {"(a{1000}){1000}", "repetitions make it 1000000 characters long; the limit is"},
                {"(((a{100}){100}){100}){100}", "the limit is 100000"},
                {"(a{60000}b{60000})", "the limit is 100000"}};
  for (const auto& [expression, message] : kCases) {
    const auto tree = ParseRegex(expression);
    ASSERT_FALSE(tree.ok()) << expression;
    EXPECT_EQ(tree.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(tree.status().message(), HasSubstr(message)) << expression;
  }
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += '(';
  EXPECT_THAT(ParseRegex(deep).status().message(), HasSubstr("groups nest deeper than 32"));
  EXPECT_EQ(ParseRegex(std::string(70000, 'a')).status().code(), StatusCode::kOutOfRange);
}

// Groups that may be empty inside groups that repeat double what is written at every level.
TEST(RegexTest, HostileNestingEndsAtTheLimit) {
  std::string expression = "a?";
  for (int i = 0; i < 31; ++i) expression = "(" + expression + "b?)*";
  const auto tree = ParseRegex(expression);
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  GrammarBuilder builder;
  const auto plain = [&builder](const CodePointSet& set, NodeId next) {
    return builder.Character(set, next);
  };
  const auto grammar =
      builder.Finish(WriteRegex(*tree, RegexMatch::kWhole, plain, builder, Grammar::kEndNode));
  if (!grammar.ok()) {
    EXPECT_EQ(grammar.status().code(), StatusCode::kOutOfRange) << grammar.status().ToString();
  }
}

}  // namespace
}  // namespace mao
