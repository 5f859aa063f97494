// Random texts that a constraint lets through, with real tokenizers: all are valid.
#include "engine/constraint/constraint.h"

#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/test_sanitizer.h"
#include "engine/constraint/constraint_compiler.h"
#include "engine/constraint/schema_checker_for_test.h"
#include "text/utf8.h"

namespace mao {
namespace {

using Json = nlohmann::json;
using Kind = ConstraintSpec::Kind;

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr int kNumWalks = kUnderSanitizer ? 4 : 60;
constexpr int kMaxTokens = 3000;

std::unique_ptr<Tokenizer> LoadTokenizer(const std::string& path) {
  const auto json = ReadFile(std::string(MAOOCR_SOURCE_DIR) + "/" + path, kMaxFileBytes);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  auto tokenizer = Tokenizer::FromJson(*json, path);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return std::move(tokenizer).value();
}

// Chooses random tokens of the mask; from some length on those that close something, if there are.
std::vector<TokenId> RandomText(const std::shared_ptr<const Constraint>& constraint,
                                size_t vocab_size, TokenId eos, std::mt19937& random) {
  ConstraintState state(constraint, {&eos, 1});
  std::vector<uint64_t> bits((vocab_size + 63) / 64);
  std::vector<TokenId> ids;
  const int patience = static_cast<int>(random() % 60);
  while (!state.CanOnlyEnd()) {
    const Status status = state.FillMask(bits);
    EXPECT_TRUE(status.ok()) << status.ToString();
    std::vector<TokenId> allowed;
    std::vector<TokenId> closing;
    for (TokenId id = 0; id < static_cast<TokenId>(vocab_size); ++id) {
      if ((bits[id / 64] >> (id % 64) & 1) == 0) continue;
      allowed.push_back(id);
      const std::string_view bytes = constraint->vocabulary().later->token_bytes(id);
      const bool closes =
          bytes == "\"" || bytes == "]" || bytes == "}" || bytes == "\"}" || id == eos;
      if (closes) closing.push_back(id);
    }
    if (allowed.empty()) {
      ADD_FAILURE() << "a dead end";
      return ids;
    }
    const bool close =
        static_cast<int>(ids.size()) >= patience && !closing.empty() && random() % 4 != 0;
    const std::vector<TokenId>& from = close ? closing : allowed;
    const TokenId id = from[random() % from.size()];
    EXPECT_TRUE(state.Accept(id));
    if (id == eos) break;
    ids.push_back(id);
    if (ids.size() > kMaxTokens) {
      ADD_FAILURE() << "a text without an end";
      return ids;
    }
  }
  EXPECT_TRUE(state.IsComplete());
  return ids;
}

const char* const kSchemas[] = {
    R"({"type":"object"})",
    R"({"type":"array","items":{"type":"string"}})",
    R"({"type":"string"})",
    R"({"type":"number"})",
    R"({"type":"integer","minimum":-17,"maximum":312})",
    R"({"type":"number","exclusiveMinimum":0,"maximum":1})",
    R"({"properties":{"invoice_no":{"type":"string","pattern":"^[A-Z]{2}-\\d{4,8}$"},
        "date":{"type":"string","format":"date"},"total":{"type":"number","minimum":0},
        "currency":{"enum":["CNY","USD","EUR"]},"paid":{"type":"boolean"},
        "买方":{"type":"string","minLength":1,"maxLength":12},
        "items":{"type":"array","minItems":1,"maxItems":4,"items":{"type":"object",
        "properties":{"name":{"type":"string"},"qty":{"type":"integer","minimum":1},
        "note":{"type":["string","null"]}},"required":["name","qty"],
        "additionalProperties":false}}},
        "required":["invoice_no","date","total","items"],"additionalProperties":false})",
    R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{
        "value":{"anyOf":[{"type":"integer"},{"type":"string","maxLength":3}]},
        "children":{"type":"array","items":{"$ref":"#/$defs/node"},"maxItems":3}},
        "required":["value"]}}})",
    R"({"anyOf":[{"properties":{"kind":{"const":"circle"},"r":{"type":"number"}},
        "required":["kind","r"]},{"properties":{"kind":{"const":"box"},
        "w":{"type":"integer"},"h":{"type":"integer"}},"required":["kind","w","h"]}]})",
    R"({"allOf":[{"properties":{"a":{"type":"string","minLength":2}},"required":["a"]},
        {"properties":{"a":{"maxLength":5},"b":{"type":"null"}}}]})",
    R"({"prefixItems":[{"type":"integer"},{"type":"string","format":"uuid"}],
        "items":{"type":"boolean"},"maxItems":6,"minItems":3})",
    R"({"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"array",
        "items":{"enum":[1,"二",null]}}})",
    R"({"type":"string","minLength":40,"maxLength":60})",
    R"({"type":"string","pattern":"^[\"\\\\]{2}[一-龥]$"})",
    R"({"type":"string","pattern":"^\\S+\\s\\w{3,}$"})",
    R"({"type":"string","format":"date-time"})",
    R"({"type":"string","format":"email"})",
    R"({"type":"string","format":"ipv4"})",
    R"({"type":"string","format":"uri"})",
    R"({"type":"string","format":"time"})",
    R"({"items":{"type":"string","format":"hostname"},"maxItems":2})",
    R"({"type":"integer","nullable":true})",
    R"({"type":["object","null"],"properties":{"x":{},"y":{}},"required":["y"]})",
    "{}"};

// std::regex works on bytes: only on patterns without character classes beyond ASCII.
bool IsForStdRegex(const std::string& schema) {
  return schema.find("[一-龥]") == std::string::npos && schema.find("\\\\S") == std::string::npos;
}

struct Family {
  const char* path;
  const char* eos;
};

class ConstraintWalkTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    tokenizer_ = LoadTokenizer(GetParam().path);
    eos_ = tokenizer_->FindToken(GetParam().eos).value();
    vocab_size_ = tokenizer_->vocab_size();
    compiler_.emplace(*tokenizer_);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  TokenId eos_ = 0;
  size_t vocab_size_ = 0;
  std::optional<ConstraintCompiler> compiler_;
};

TEST_P(ConstraintWalkTest, EveryTextSatisfiesItsSchema) {
  std::mt19937 random(7);
  for (const char* schema : kSchemas) {
    const auto constraint = compiler_->Compile({Kind::kJsonSchema, schema});
    ASSERT_TRUE(constraint.ok()) << schema << constraint.status().ToString();
    Json schema_json = Json::parse(schema);
    if (!IsForStdRegex(schema)) schema_json.erase("pattern");
    const SchemaChecker checker(schema_json);
    for (int walk = 0; walk < kNumWalks; ++walk) {
      const auto ids = RandomText(*constraint, vocab_size_, eos_, random);
      const std::string text = tokenizer_->Decode(ids, /*skip_special_tokens=*/false);
      ASSERT_TRUE(IsValidUtf8(text)) << text;
      const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
      ASSERT_FALSE(value.is_discarded()) << schema << "\n" << text.substr(0, 1000);
      ASSERT_TRUE(checker.Check(value)) << schema << "\n" << text.substr(0, 1000);
    }
  }
}

TEST_P(ConstraintWalkTest, EveryTextMatchesItsExpression) {
  std::mt19937 random(8);
  for (const char* regex : {"(Yes|No), because [a-z ]{5,30}\\.", " *[0-9]{1,3}(,[0-9]{3})*",
                            "[^\\n]{0,40}\\n", "(\\w+ ){2,6}end", "  x+"}) {
    const auto constraint = compiler_->Compile({Kind::kRegex, regex});
    ASSERT_TRUE(constraint.ok()) << constraint.status().ToString();
    for (int walk = 0; walk < kNumWalks; ++walk) {
      const auto ids = RandomText(*constraint, vocab_size_, eos_, random);
      const std::string text = tokenizer_->Decode(ids, /*skip_special_tokens=*/false);
      ASSERT_TRUE(IsValidUtf8(text)) << text;
      if (std::string(regex) != "[^\\n]{0,40}\\n") {  // counts characters, std::regex bytes
        ASSERT_TRUE(std::regex_match(text, std::regex(regex))) << regex << ": " << text;
      }
    }
  }
  const auto choice = compiler_->Compile({Kind::kChoice, R"(["发票","收据"," 其他","発票"])"});
  ASSERT_TRUE(choice.ok());
  for (int walk = 0; walk < kNumWalks; ++walk) {
    const auto ids = RandomText(*choice, vocab_size_, eos_, random);
    const std::string text = tokenizer_->Decode(ids, false);
    EXPECT_TRUE(text == "发票" || text == "收据" || text == " 其他" || text == "発票") << text;
  }
}

TEST_P(ConstraintWalkTest, SpecialTokensAreNeverAllowed) {
  const auto constraint = compiler_->Compile({Kind::kRegex, "[\\s\\S]*"});
  ASSERT_TRUE(constraint.ok());
  ConstraintState state(*constraint, std::vector<TokenId>{eos_});
  std::vector<uint64_t> bits((vocab_size_ + 63) / 64);
  for (int step = 0; step < 2; ++step) {
    ASSERT_TRUE(state.FillMask(bits).ok());
    size_t num_allowed = 0;
    for (TokenId id = 0; id < static_cast<TokenId>(vocab_size_); ++id) {
      const bool allowed = (bits[id / 64] >> (id % 64) & 1) != 0;
      if (id != eos_ && (tokenizer_->IsSpecial(id) || !tokenizer_->TokenText(id))) {
        EXPECT_FALSE(allowed) << id;
      }
      if (allowed) ++num_allowed;
    }
    EXPECT_GT(num_allowed, vocab_size_ / 2);
    ASSERT_TRUE(state.Accept(*tokenizer_->FindToken("a")));
  }
}

// What a text may begin with is cut off where the text ends: as a prefix of each walk.
TEST_P(ConstraintWalkTest, TheRealEncodingOfAValidTextIsAllowed) {
  const std::string text =
      "{\n  \"title\": \"Déjà vu 报告 \\\"x\\\"\",\n  \"rows\": [[1, -2.5e3], [], null, true],\n"
      "  \"empty\": {}\n}";
  const auto constraint = compiler_->Compile({Kind::kJsonObject, ""});
  ASSERT_TRUE(constraint.ok());
  const auto ids = tokenizer_->Encode(text, {.parse_special_tokens = false});
  ASSERT_TRUE(ids.ok());
  ConstraintState state(*constraint, std::vector<TokenId>{eos_});
  for (const TokenId id : *ids) {
    ASSERT_TRUE(state.Accept(id)) << *tokenizer_->TokenText(id);
  }
  EXPECT_TRUE(state.CanOnlyEnd());
}

INSTANTIATE_TEST_SUITE_P(
    Tokenizers, ConstraintWalkTest,
    testing::Values(Family{"models/maoocr-tiny/tokenizer.json", "<｜end▁of▁sentence｜>"},
                    Family{"tests/fixtures/tokenizers/tiny_llava.json", "</s>"},
                    Family{"tests/fixtures/tokenizers/tiny_qwen.json", "<|im_end|>"}));

TEST(ConstraintCompilerTest, KeepsTheLatestUsed) {
  const auto tokenizer = LoadTokenizer("models/maoocr-tiny/tokenizer.json");
  ConstraintCompiler compiler(*tokenizer);
  const auto make = [&](int i) {
    return compiler.Compile({Kind::kRegex, "a{" + std::to_string(i) + "}b"}).value();
  };
  const auto first = make(0);
  for (int i = 1; i < static_cast<int>(ConstraintCompiler::kMaxKept); ++i) (void)make(i);
  EXPECT_EQ(make(0), first);
  (void)make(1000);  // pushes out the oldest, which is 1
  EXPECT_EQ(make(0), first);
  EXPECT_FALSE(compiler.Compile({Kind::kRegex, "("}).ok());
}

}  // namespace
}  // namespace mao
