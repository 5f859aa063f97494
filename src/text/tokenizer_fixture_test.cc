// Compares with Hugging Face's tokenizers on the tokenizers of released models, case by case.
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/file.h"
#include "text/incremental_detokenizer.h"
#include "text/tokenizer.h"

namespace mao {
namespace {

using simdjson::dom::element;
using testing::ElementsAreArray;

constexpr size_t kMaxFileBytes = size_t{64} << 20;
const std::string kFixtures = std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/";

std::string TokenizerFolder() {
  if (const char* folder = std::getenv("MAOOCR_TOKENIZERS")) return folder;
  return std::string(MAOOCR_BINARY_DIR) + "/../tokenizers";
}

std::string ReadTokenizerJson(const std::string& name) {
  const std::string path = TokenizerFolder() + "/" + name + ".json";
  Result<std::string> json = ReadFile(path, kMaxFileBytes);
  EXPECT_TRUE(json.ok()) << json.status().ToString()
                         << "\nRun tools/fetch_tokenizers.sh, or set MAOOCR_TOKENIZERS.";
  return json.ok() ? *std::move(json) : std::string();
}

std::vector<TokenId> Ids(const element& array) {
  std::vector<TokenId> ids;
  for (const element id : array.get_array()) ids.push_back(static_cast<TokenId>(id.get_int64()));
  return ids;
}

std::string Text(const element& text) { return std::string(std::string_view(text)); }

std::string Stream(const Tokenizer& tokenizer, std::span<const TokenId> ids, bool skip_special) {
  IncrementalDetokenizer detokenizer(tokenizer, skip_special);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Append(id);
  return text + detokenizer.Finish();
}

class TokenizerFixtureTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string json = ReadTokenizerJson(GetParam());
    if (json.empty()) GTEST_FAIL();
    Result<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::FromJson(json, GetParam());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
    tokenizer_ = *std::move(tokenizer);
  }

  simdjson::padded_string Lines(const char* suffix) {
    return simdjson::padded_string::load(kFixtures + GetParam() + suffix).value();
  }

  void ExpectDecodes(const std::vector<TokenId>& ids, bool skip_special, const std::string& text) {
    EXPECT_EQ(tokenizer_->Decode(ids, skip_special), text);
    EXPECT_EQ(Stream(*tokenizer_, ids, skip_special), text);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  simdjson::dom::parser parser_;
};

TEST_P(TokenizerFixtureTest, VocabularySize) {
  simdjson::dom::parser parser;
  const element sources = parser.load(kFixtures + "sources.json");
  EXPECT_EQ(static_cast<int64_t>(tokenizer_->vocab_size()),
            int64_t(sources[GetParam()]["vocab_with_added"]));
}

TEST_P(TokenizerFixtureTest, Encode) {
  const simdjson::padded_string lines = Lines(".encode.jsonl");
  size_t num_cases = 0;
  for (const element line : parser_.parse_many(lines)) {
    const std::string text = Text(line["text"]);
    SCOPED_TRACE("case " + std::to_string(int64_t(line["i"])) + ": " + text);
    const std::vector<TokenId> ids = Ids(line["ids"]);
    const Result<std::vector<TokenId>> plain = tokenizer_->Encode(text);
    ASSERT_TRUE(plain.ok()) << plain.status().ToString();
    EXPECT_EQ(*plain, ids);

    element full;
    const bool has_full = line["ids_with_special_tokens"].get(full) == simdjson::SUCCESS;
    const auto with_special = tokenizer_->Encode(text, {.add_special_tokens = true});
    ASSERT_TRUE(with_special.ok());
    EXPECT_EQ(*with_special, has_full ? Ids(full) : ids);

    element other;
    const std::string decoded =
        line["decoded"].get(other) == simdjson::SUCCESS ? Text(other) : text;
    ExpectDecodes(ids, false, decoded);
    const bool differs = line["decoded_skip_special"].get(other) == simdjson::SUCCESS;
    ExpectDecodes(ids, true, differs ? Text(other) : decoded);
    ++num_cases;
  }
  EXPECT_GE(num_cases, 300u);
}

TEST_P(TokenizerFixtureTest, Decode) {
  const simdjson::padded_string lines = Lines(".decode.jsonl");
  size_t num_cases = 0;
  for (const element line : parser_.parse_many(lines)) {
    const std::vector<TokenId> ids = Ids(line["ids"]);
    SCOPED_TRACE(simdjson::minify(line));
    if (std::string_view(line["kind"]) == "random") {
      ExpectDecodes(ids, false, Text(line["decoded"]));
      ExpectDecodes(ids, true, Text(line["decoded_skip_special"]));
    } else {
      std::vector<TokenId> prefix;
      for (const element text : line["decoded"].get_array()) {
        prefix.push_back(ids.at(prefix.size()));
        ExpectDecodes(prefix, false, Text(text));
      }
    }
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 60u);
}

INSTANTIATE_TEST_SUITE_P(Models, TokenizerFixtureTest,
                         testing::Values("deepseek_v3", "qwen3", "llama2", "llama3"),
                         [](const auto& test) { return std::string(test.param); });

// DeepSeek-OCR's tokenizer is DeepSeek-V3's with these tokens added, special and not normalised.
constexpr TokenId kFirstOcrToken = 128815;
constexpr const char* kOcrTokens[] = {"<image>",  "<|ref|>",       "<|/ref|>", "<|det|>",
                                      "<|/det|>", "<|grounding|>", "<td>",     "</td>",
                                      "<tr>",     "</tr>",         "<|User|>", "<|Assistant|>"};

std::string DeepSeekOcrJson() {
  std::string json = ReadTokenizerJson("deepseek_v3");
  std::string added;
  TokenId id = kFirstOcrToken;
  for (const char* token : kOcrTokens) {
    added += "{\"id\":" + std::to_string(id++) + ",\"content\":\"" + token +
             "\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
             "\"normalized\":false,\"special\":true},";
  }
  const std::string key = "\"added_tokens\"";
  const size_t list = json.find('[', json.find(key));
  EXPECT_NE(list, std::string::npos);
  if (list != std::string::npos) json.insert(list + 1, added);
  return json;
}

TEST(DeepSeekOcrTokenizerTest, EncodesPromptsAndOutputs) {
  auto made = Tokenizer::FromJson(DeepSeekOcrJson(), "deepseek_ocr");
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const Tokenizer& tokenizer = **made;
  EXPECT_EQ(tokenizer.vocab_size(), 128827u);

  const struct {
    const char* text;
    std::vector<TokenId> ids;
  } cases[] = {
      {"\n", {201}},
      {" ", {223}},
      {".", {16}},
      {"\n\n", {271}},
      {"\n<|grounding|>Convert the document to markdown.",
       {201, 128820, 21842, 270, 4940, 304, 2121, 7919, 16}},
      {"\n<|grounding|>OCR this image.", {201, 128820, 119316, 566, 4609, 16}},
      {"\nFree OCR.", {201, 21431, 126041, 16}},
      {"\nParse the figure.", {201, 68779, 270, 5991, 16}},
      {"\nDescribe this image in detail.", {201, 72188, 566, 4609, 295, 6271, 16}},
      {"\nLocate <|ref|>Total<|/ref|> in the image.",
       {201, 26751, 434, 223, 128816, 9538, 128817, 295, 270, 4609, 16}},
      {"Hello world! 12345 你好，世界。\n\n  x=1",
       {19923, 2058, 3, 223, 6895, 1883, 223, 30594, 303, 3427, 478, 223, 1527, 31, 19}},
      {"<|ref|>title<|/ref|><|det|>[[115, 100, 881, 180]]<|/det|>\n# Title\n\n",
       {128816, 10212, 128817, 128818, 22663, 8059,   14,  223, 1457,  14, 223,
        31799,  14,    223,    5895,   11621, 128819, 201, 5,   16066, 271}},
      {"<table><tr><td>3</td><td></td></tr></table>",
       {114761, 32, 128823, 128821, 21, 128822, 128821, 128822, 128824, 1718, 8603, 32}},
      {"先天下之忧而忧", {1735, 13538, 107287, 867, 13036}},
  };
  for (const auto& c : cases) {
    const auto ids = tokenizer.Encode(c.text);
    ASSERT_TRUE(ids.ok());
    EXPECT_THAT(*ids, ElementsAreArray(c.ids)) << c.text;
    EXPECT_EQ(tokenizer.Decode(c.ids, false), c.text);
  }
}

TEST(DeepSeekOcrTokenizerTest, UserTextNeverBecomesControlTokens) {
  auto made = Tokenizer::FromJson(DeepSeekOcrJson(), "deepseek_ocr");
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const std::string text = "<｜User｜>a<|ref|><td><｜end▁of▁sentence｜><image>";
  const auto ids = (*made)->Encode(text, {.parse_special_tokens = false});
  ASSERT_TRUE(ids.ok());
  for (const TokenId id : *ids) {
    EXPECT_FALSE((*made)->IsSpecial(id)) << id;
    EXPECT_LT(id, 128000);
  }
  EXPECT_EQ((*made)->Decode(*ids, true), text);
}

}  // namespace
}  // namespace mao
