// Masks against brute force: a token is allowed if and only if the text with it is a beginning of
// an allowed text, byte by byte, in a machine that has seen nothing before.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_sanitizer.h"
#include "engine/constraint/constraint.h"
#include "engine/constraint/grammar_for_test.h"

namespace mao {
namespace {

constexpr TokenId kEos = 0;

// More than 2,048 tree nodes, so that masks are kept, and tokens that cross every kind of border.
std::vector<std::string> TestTokens() {
  std::vector<std::string> tokens = {"",  // the end
                                     "{\"",
                                     "\":",
                                     "\":\"",
                                     "\",\"",
                                     "\"}",
                                     "\n  ",
                                     "\n\t\"",
                                     "]}",
                                     "\\u00",
                                     "4e2d",
                                     "\\\"",
                                     "\\n",
                                     "\xE4\xBD",
                                     "\xA0",
                                     "你好",
                                     "\"a\":1",
                                     "true",
                                     "false,",
                                     "null}",
                                     "12",
                                     "0.5",
                                     "e1",
                                     "  ",
                                     " ",
                                     "\t",
                                     "aaaaaaaaaaaaaaaaaaaa",
                                     "abababababababab\""};
  const std::string alphabet = "ab\"\\{}[],:1- n\xE5";
  for (const char x : alphabet) {
    tokens.push_back({x});
    for (const char y : alphabet) {
      tokens.push_back({x, y});
      for (const char z : alphabet) tokens.push_back({x, y, z});
    }
  }
  return tokens;
}

std::shared_ptr<const ConstraintVocabulary> TestVocabulary(bool strips_first_space) {
  auto vocabulary = std::make_shared<ConstraintVocabulary>();
  vocabulary->later = std::make_shared<const TokenTree>(TestTokens());
  vocabulary->first = vocabulary->later;
  if (strips_first_space) {
    std::vector<std::string> first = TestTokens();
    for (std::string& bytes : first) {
      if (bytes.starts_with(' ')) bytes.erase(0, 1);
    }
    vocabulary->first = std::make_shared<const TokenTree>(std::move(first));
  }
  return vocabulary;
}

std::vector<bool> MaskOf(ConstraintState& state, size_t vocab_size) {
  std::vector<uint64_t> bits((vocab_size + 63) / 64, ~uint64_t{0});
  const Status status = state.FillMask(bits);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<bool> mask(vocab_size);
  for (size_t id = 0; id < vocab_size; ++id) mask[id] = (bits[id / 64] >> (id % 64) & 1) != 0;
  return mask;
}

using Kind = ConstraintSpec::Kind;

TokenId TokenOf(const TokenTree& tree, std::string_view bytes) {
  TokenId id = 1;
  while (tree.token_bytes(id) != bytes) ++id;
  return id;
}

const std::vector<ConstraintSpec>& Specs() {
  static const std::vector<ConstraintSpec> specs = {
      {Kind::kJsonObject, ""},
      {Kind::kJsonSchema, R"({"properties":{"a":{"type":"string"},"b":{"type":"string"},
          "ab":{"type":"array","items":{"type":"string"}}}})"},
      {Kind::kJsonSchema, R"({"properties":{"a":{"type":"string","maxLength":30,"minLength":3},
          "b":{"items":{"type":"integer"},"minItems":2,"maxItems":40}},"required":["a","b"]})"},
      {Kind::kJsonSchema, R"({"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},
          {"properties":{"a":{"anyOf":[{"$ref":"#"},{"type":"string","maxLength":5}]}},
           "required":["a"]}]})"},
      {Kind::kJsonSchema, R"({"type":"array","items":{"type":"string","pattern":"^(ab){2,40}"}})"},
      {Kind::kJsonSchema, R"({"additionalProperties":{"type":["string","number"]},
          "properties":{"a":{"const":"b"},"ab":{"enum":["a","ab","你"]}}})"},
      {Kind::kRegex, "[ab ]{5,60}"},
      {Kind::kRegex, " ?[^1]*1"},
      {Kind::kRegex, "((a|ab){2,5}1){1,50}|[\\s\\S]{3}"},
      {Kind::kChoice, R"(["a","ab","abab"," b","你好","{}"])"},
  };
  return specs;
}

class MaskTest : public testing::TestWithParam<bool> {};

TEST_P(MaskTest, EqualsBruteForceOnRandomPrefixes) {
  const auto vocabulary = TestVocabulary(GetParam());
  const size_t vocab_size = TestTokens().size();
  std::mt19937 random(5);
  for (const ConstraintSpec& spec : Specs()) {
    const auto constraint = CompileConstraint(spec, vocabulary);
    ASSERT_TRUE(constraint.ok()) << spec.text << constraint.status().ToString();
    const int num_walks = kUnderSanitizer ? 2 : 12;
    for (int walk = 0; walk < num_walks; ++walk) {
      ConstraintState state(*constraint, std::vector<TokenId>{kEos});
      Matcher reference((*constraint)->grammar());
      std::string text;
      for (int step = 0; step < 40; ++step) {
        const TokenTree& tree = step == 0 ? *vocabulary->first : *vocabulary->later;
        const std::vector<bool> mask = MaskOf(state, vocab_size);
        ASSERT_EQ(mask[kEos], reference.Matches(text)) << spec.text << " after " << text;
        ASSERT_EQ(state.IsComplete(), mask[kEos]);
        std::vector<TokenId> allowed;
        for (TokenId id = 1; id < static_cast<TokenId>(vocab_size); ++id) {
          const std::string_view bytes = tree.token_bytes(id);
          const bool expected = !bytes.empty() && reference.IsPrefix(text + std::string(bytes));
          ASSERT_EQ(mask[id], expected) << spec.text << " after " << text << " token " << bytes;
          if (expected) allowed.push_back(id);
        }
        ASSERT_FALSE(state.CanOnlyEnd() && !allowed.empty());
        if (allowed.empty()) break;  // or this small vocabulary has no token that goes on
        const TokenId refused = static_cast<TokenId>(1 + random() % (vocab_size - 1));
        if (!mask[refused]) {
          ASSERT_FALSE(state.Accept(refused));
        }
        const TokenId id = allowed[random() % allowed.size()];
        text += tree.token_bytes(id);
        ASSERT_TRUE(state.Accept(id));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(StripsFirstSpace, MaskTest, testing::Bool());

TEST(ConstraintStateTest, EndsOnlyWhenComplete) {
  const auto constraint =
      CompileConstraint({Kind::kChoice, R"(["a","ab"])"}, TestVocabulary(false));
  ASSERT_TRUE(constraint.ok());
  ConstraintState state(*constraint, std::vector<TokenId>{kEos, 5000});
  const TokenTree& tree = *(*constraint)->vocabulary().later;
  EXPECT_FALSE(state.Accept(kEos));
  EXPECT_FALSE(state.Accept(-1));
  EXPECT_FALSE(state.Accept(1 << 20));
  ASSERT_TRUE(state.Accept(TokenOf(tree, "a")));
  EXPECT_TRUE(state.IsComplete());
  EXPECT_FALSE(state.CanOnlyEnd());
  ConstraintState moved = std::move(state);
  ASSERT_TRUE(moved.Accept(5000));
  EXPECT_TRUE(moved.CanOnlyEnd());
  EXPECT_FALSE(moved.Accept(TokenOf(tree, "b")));
  std::vector<uint64_t> bits(2);  // less than the vocabulary: ids beyond have no bit
  EXPECT_TRUE(moved.FillMask(bits).ok());
  EXPECT_EQ(bits[0], 1u);
  EXPECT_EQ(bits[1], 0u);
}

TEST(ConstraintStateTest, ConstraintsThatAllowNothingAreRefused) {
  const auto vocabulary = TestVocabulary(false);
  const auto message = [&](ConstraintSpec spec) {
    const auto constraint = CompileConstraint(spec, vocabulary);
    EXPECT_FALSE(constraint.ok()) << spec.text;
    return constraint.status().message();
  };
  EXPECT_EQ(message({Kind::kRegex, ""}), "the constraint allows the empty text only");
  EXPECT_EQ(message({Kind::kChoice, R"([""])"}), "the constraint allows the empty text only");
  EXPECT_EQ(message({Kind::kChoice, "[]"}), "choices must be an array of at least one string");
  EXPECT_EQ(message({Kind::kChoice, "[1]"}), "choices must be an array of at least one string");
  EXPECT_NE(message({Kind::kChoice, "["}).find("the list of choices: not JSON"), std::string::npos);
  EXPECT_NE(message({Kind::kRegex, "a\xFF"}).find("not UTF-8 from byte 1"), std::string::npos);
  EXPECT_NE(message({Kind::kJsonSchema, "{\"title\":\"\xFF\"}"}).find("not UTF-8"),
            std::string::npos);
  EXPECT_NE(message({Kind::kRegex, std::string(300000, 'a')}).find("the limit is 262144"),
            std::string::npos);
}

// A state for every subset of the last 20 places where an "a" stood: a million states.
TEST(ConstraintStateTest, AmbiguityCostsABoundedTime) {
  const auto constraint =
      CompileConstraint({Kind::kRegex, "[ab]*a[ab]{20}1"}, TestVocabulary(false));
  ASSERT_TRUE(constraint.ok());
  const size_t vocab_size = TestTokens().size();
  ConstraintState state(*constraint, {});
  std::mt19937 random(6);
  std::vector<uint64_t> bits((vocab_size + 63) / 64);
  const TokenTree& tree = *(*constraint)->vocabulary().later;
  Matcher reference((*constraint)->grammar());
  std::string text;
  for (int step = 0; step < 3000; ++step) {
    ASSERT_TRUE(state.FillMask(bits).ok()) << step;
    TokenId id = 0;
    do {
      id = static_cast<TokenId>(random() % vocab_size);
    } while ((bits[id / 64] >> (id % 64) & 1) == 0 || tree.token_bytes(id).back() == '1');
    text += tree.token_bytes(id);
    ASSERT_TRUE(state.Accept(id));
  }
  // And a long ambiguous one whose masks cannot be had: an error, not an hour.
  const auto hostile =
      CompileConstraint({Kind::kRegex, "([ab]{1,300}[ab]{1,300}){1,80}"}, TestVocabulary(false));
  ASSERT_TRUE(hostile.ok()) << hostile.status().ToString();
  ConstraintState slow(*hostile, {});
  const TokenId many = TokenOf(tree, std::string(20, 'a'));
  bool goes_on = true;
  int num_steps = 0;
  for (; num_steps < 1000 && goes_on; ++num_steps) {
    const Status status = slow.FillMask(bits);
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kResourceExhausted);
    goes_on = status.ok() && slow.Accept(many);
  }
  EXPECT_FALSE(goes_on);
  EXPECT_GT(num_steps, 3);
}

}  // namespace
}  // namespace mao
