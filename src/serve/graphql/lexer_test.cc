#include "serve/graphql/lexer.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao::graphql {
namespace {

using testing::ElementsAre;

// Every token as messages call it; an error as "offset: message" at the end.
std::vector<std::string> Lex(std::string_view source) {
  std::deque<std::string> strings;
  Lexer lexer(source, strings);
  std::vector<std::string> tokens;
  for (Token token; lexer.Next(token);) {
    if (token.kind == TokenKind::kEof) return tokens;
    tokens.push_back(TokenText(token));
  }
  tokens.push_back(std::to_string(lexer.error_offset()) + ": " + lexer.error_message());
  return tokens;
}

// The value of a document that is one string.
std::string StringValue(std::string_view source) {
  std::deque<std::string> strings;
  Lexer lexer(source, strings);
  Token token;
  if (!lexer.Next(token)) return "error: " + lexer.error_message();
  return std::string(token.text);
}

TEST(LexerTest, ReadsEveryKind) {
  EXPECT_THAT(
      Lex("! $ & ( ) ... : = @ [ ] { | } _a1 -1 0 1.5e+3 \"s\" \"\"\"b\"\"\""),
      ElementsAre("\"!\"", "\"$\"", "\"&\"", "\"(\"", "\")\"", "\"...\"", "\":\"", "\"=\"", "\"@\"",
                  "\"[\"", "\"]\"", "\"{\"", "\"|\"", "\"}\"", "Name \"_a1\"", "Int \"-1\"",
                  "Int \"0\"", "Float \"1.5e+3\"", "String \"s\"", "BlockString \"b\""));
}

TEST(LexerTest, IgnoresWhatMeansNothing) {
  EXPECT_THAT(Lex(" ,\t\r\n\xEF\xBB\xBF# comment, { \n a #"), ElementsAre("Name \"a\""));
  EXPECT_THAT(Lex(""), ElementsAre());
}

TEST(LexerTest, SaysWhatIsNoToken) {
  EXPECT_THAT(Lex("a ?"), ElementsAre("Name \"a\"", "2: Unexpected character: \"?\"."));
  EXPECT_THAT(Lex(".."), ElementsAre("0: Unexpected character: \".\"."));
  EXPECT_THAT(Lex("\xC3\xA9"), ElementsAre("0: Unexpected character: U+00E9."));
  EXPECT_THAT(Lex("00"), ElementsAre("1: Invalid number, unexpected digit after 0: \"0\"."));
  EXPECT_THAT(Lex("1."), ElementsAre("2: Invalid number, expected digit but got: <EOF>."));
  EXPECT_THAT(Lex("1.5x"), ElementsAre("3: Invalid number, expected digit but got: \"x\"."));
  EXPECT_THAT(Lex("1e\""), ElementsAre("2: Invalid number, expected digit but got: '\"'."));
  EXPECT_THAT(Lex("\"a"), ElementsAre("2: Unterminated string."));
  EXPECT_THAT(Lex("\"a\nb\""), ElementsAre("2: Unterminated string."));
  EXPECT_THAT(Lex("\"\"\"a\"\""), ElementsAre("6: Unterminated string."));
  EXPECT_THAT(Lex("\"\\x\""), ElementsAre("1: Invalid character escape sequence: \"\\x\"."));
  EXPECT_THAT(Lex("\"\\"), ElementsAre("1: Invalid character escape sequence: \"\\\"."));
}

TEST(LexerTest, DecodesEscapes) {
  EXPECT_EQ(StringValue(R"("plain")"), "plain");
  EXPECT_EQ(StringValue(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(StringValue(R"("a\u00e9\u20ACz")"), "a\xC3\xA9\xE2\x82\xACz");
  EXPECT_EQ(StringValue(R"("\uD83C\uDFC3 \u{1F3C3} \u{00000061}")"),
            "\xF0\x9F\x8F\x83 \xF0\x9F\x8F\x83 a");
  for (const char* bad :
       {R"("\u12")", R"("\uD83C")", R"("\uD83Cx")", R"("\uD83C\u0041")", R"("\uDFC3")", R"("\u{}")",
        R"("\u{110000}")", R"("\u{D800}")", R"("\u{000000061}")", R"("\u{61")", R"("\u)"}) {
    EXPECT_THAT(StringValue(bad), testing::StartsWith("error: Invalid Unicode escape")) << bad;
  }
}

// The example of the specification, 2.9.4.
TEST(LexerTest, BlockStringsLoseTheirIndentation) {
  EXPECT_EQ(StringValue("\"\"\"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  \"\"\""),
            "Hello,\n  World!\n\nYours,\n  GraphQL.");
  EXPECT_EQ(StringValue("\"\"\"  first\n  second\r\n   third\r  \"\"\""),
            "  first\nsecond\n third");
  EXPECT_EQ(StringValue("\"\"\"\n\n  \n\"\"\""), "");
  EXPECT_EQ(StringValue(R"("""raw \n and \""" quotes""")"), "raw \\n and \"\"\" quotes");
  EXPECT_EQ(BlockStringValue("\t\ta\n\t\tb\n\t\t\tc"), "\t\ta\nb\n\tc");
}

}  // namespace
}  // namespace mao::graphql
