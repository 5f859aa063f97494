#include "serve/config/dotenv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The value of the only line.
std::string Value(std::string_view line) {
  const DotenvFile file = ParseDotenv(line);
  EXPECT_THAT(file.errors, IsEmpty()) << line;
  EXPECT_THAT(file.entries, SizeIs(1)) << line;
  return file.entries.size() == 1 ? file.entries[0].value : "(none)";
}

// "line: message" of each error.
std::vector<std::string> Errors(std::string_view text) {
  std::vector<std::string> errors;
  for (const DotenvError& error : ParseDotenv(text).errors) {
    errors.push_back(std::to_string(error.line) + ": " + error.message);
  }
  return errors;
}

TEST(DotenvTest, LinesInTheirOrder) {
  const DotenvFile file = ParseDotenv(
      "\xEF\xBB\xBF# models\r\n"
      "MODEL_PATH=models/DeepSeek-OCR\r\n"
      "\r\n"
      "  export\tAPI_PORT = 9000  \n"
      "WITHOUT_VALUE\n"
      "EMPTY=\n"
      "a.b-c=last line has no end");
  EXPECT_THAT(file.errors, IsEmpty());
  std::vector<std::string> entries;
  for (const DotenvEntry& entry : file.entries) {
    entries.push_back(std::to_string(entry.line) + " " + entry.name + "=" + entry.value);
  }
  EXPECT_THAT(entries, ElementsAre("2 MODEL_PATH=models/DeepSeek-OCR", "4 API_PORT=9000",
                                   "6 EMPTY=", "7 a.b-c=last line has no end"));
}

// The examples of docker compose's documentation of .env files.
TEST(DotenvTest, ValuesAsDockerComposeReadsThem) {
  EXPECT_EQ(Value("VAR=VAL"), "VAL");
  EXPECT_EQ(Value("VAR=\"VAL\""), "VAL");
  EXPECT_EQ(Value("VAR='VAL'"), "VAL");
  EXPECT_EQ(Value("VAR=VAL # comment"), "VAL");
  EXPECT_EQ(Value("VAR=VAL# not a comment"), "VAL# not a comment");
  EXPECT_EQ(Value("VAR=\"VAL # not a comment\""), "VAL # not a comment");
  EXPECT_EQ(Value("VAR=\"VAL\" # comment"), "VAL");
  EXPECT_EQ(Value("VAR='$OTHER'"), "$OTHER");
  EXPECT_EQ(Value("VAR='${OTHER}'"), "${OTHER}");
  EXPECT_EQ(Value("VAR='Let\\'s go!'"), "Let's go!");
  EXPECT_EQ(Value("VAR=\"{\\\"hello\\\": \\\"json\\\"}\""), "{\"hello\": \"json\"}");
  EXPECT_EQ(Value("VAR=\"some\\tvalue\""), "some\tvalue");
  EXPECT_EQ(Value("VAR='some\\tvalue'"), "some\\tvalue");
  EXPECT_EQ(Value("VAR=some\\tvalue"), "some\\tvalue");
}

TEST(DotenvTest, OtherValues) {
  EXPECT_EQ(Value("VAR=#7"), "#7");
  EXPECT_EQ(Value("VAR= # comment"), "");
  EXPECT_EQ(Value("VAR=a=b=c"), "a=b=c");
  EXPECT_EQ(Value("VAR=it's"), "it's");
  EXPECT_EQ(Value("VAR=\"\\d \\\\ \\$x\""), "\\d \\ $x");
  EXPECT_EQ(Value("VAR=\"two\nlines\""), "two\nlines");
  EXPECT_EQ(Value("VAR=cost$"), "cost$");
  EXPECT_EQ(Value("VAR=5$ 6"), "5$ 6");
}

TEST(DotenvTest, LinesBehindAValueOfSeveralLinesKeepTheirNumbers) {
  const DotenvFile file = ParseDotenv("A='1\n2\n3'\nB=4\n5");
  ASSERT_THAT(file.entries, SizeIs(2));
  EXPECT_EQ(file.entries[1].line, 4);
  EXPECT_THAT(file.errors, SizeIs(1));
  EXPECT_EQ(file.errors[0].line, 5);
}

TEST(DotenvTest, ExpansionsAreMarkedAndNothingIsRun) {
  for (const char* value : {"$HOME/x", "${HOME}", "a $(date)", "\"${HOME}\"", "\"x$(date)\""}) {
    const DotenvFile file = ParseDotenv(std::string("VAR=") + value);
    ASSERT_THAT(file.entries, SizeIs(1));
    EXPECT_TRUE(file.entries[0].has_expansion) << value;
  }
  EXPECT_EQ(ParseDotenv("VAR=$HOME/x").entries[0].value, "$HOME/x");
  for (const char* value : {"'$HOME'", "\"\\$HOME\"", "a$", "$1", "x # $HOME"}) {
    const DotenvFile file = ParseDotenv(std::string("VAR=") + value);
    EXPECT_FALSE(file.entries[0].has_expansion) << value;
  }
}

TEST(DotenvTest, EveryWrongLineIsTold) {
  EXPECT_THAT(
      Errors("=x\nA=1\nB: 2\n1C=3\n'D'=4\nE='x' y\nF=\"open\nG=7\n"),
      ElementsAre("1: does not begin with a name; allowed: NAME=value", "3: no '=' after 'B'",
                  "4: does not begin with a name; allowed: NAME=value",
                  "5: does not begin with a name; allowed: NAME=value",
                  "6: only a comment may stand behind the closing quote",
                  "7: the double quote has no end"));
  EXPECT_THAT(ParseDotenv("F=\"open\nG=7\n").entries, SizeIs(1));
  EXPECT_THAT(Errors(std::string("A=x\0y", 5)), ElementsAre("1: the value has a NUL byte"));
  EXPECT_THAT(Errors(std::string(257, 'n') + "=1"), SizeIs(1));
}

TEST(DotenvTest, SizesAreBounded) {
  const std::string comment = "#" + std::string(kMaxDotenvBytes - 1, 'x');
  EXPECT_THAT(Errors(comment), IsEmpty());
  EXPECT_THAT(Errors(comment + "x"), ElementsAre(HasSubstr("limit of 1048576 bytes")));

  std::string lines;
  for (size_t i = 0; i < kMaxDotenvEntries; ++i) lines += "A=1\n";
  EXPECT_THAT(Errors(lines), IsEmpty());
  EXPECT_THAT(Errors(lines + "A=1\n"), ElementsAre("10001: more than the limit of 10000 entries"));

  std::string wrong;
  for (int i = 0; i < 1000; ++i) wrong += "=\n";
  EXPECT_THAT(Errors(wrong), SizeIs(100));

  // Quotes without an end, each looked for to the end of the file, must not add up.
  std::string quotes;
  while (quotes.size() + 4 < kMaxDotenvBytes) quotes += "A='\n";
  EXPECT_LE(Errors(quotes).size(), 100u);
}

}  // namespace
}  // namespace mao
