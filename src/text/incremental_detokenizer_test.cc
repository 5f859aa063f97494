#include "text/incremental_detokenizer.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "text/small_tokenizer_for_test.h"
#include "text/utf8.h"

namespace mao {
namespace {

std::unique_ptr<Tokenizer> Load(const std::string& name) {
  const auto json = ReadFile(
      std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/" + name + ".json", 1 << 20);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  auto tokenizer = Tokenizer::FromJson(*json, name);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return *std::move(tokenizer);
}

std::vector<TokenId> FindAll(const Tokenizer& tokenizer, const std::vector<std::string>& tokens) {
  std::vector<TokenId> ids;
  for (const std::string& token : tokens) ids.push_back(tokenizer.FindToken(token).value());
  return ids;
}

class IncrementalDetokenizerTest : public testing::TestWithParam<const char*> {};

TEST_P(IncrementalDetokenizerTest, EqualsDecodeAndKeepsCharactersWhole) {
  const auto tokenizer = Load(GetParam());
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const bool skip_special = round % 2 == 0;
    std::vector<TokenId> ids(1 + random() % 60);
    for (TokenId& id : ids) {
      // Low ids are the bytes, so that cut characters are common; some ids have no token.
      const size_t range = random() % 2 == 0 ? 270 : tokenizer->vocab_size() + 3;
      id = static_cast<TokenId>(random() % range);
    }
    IncrementalDetokenizer detokenizer(*tokenizer, skip_special);
    std::string text;
    for (const TokenId id : ids) {
      const std::string piece = detokenizer.Append(id);
      EXPECT_TRUE(IsValidUtf8(piece));
      text += piece;
    }
    text += detokenizer.Finish();
    ASSERT_EQ(text, tokenizer->Decode(ids, skip_special));
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, IncrementalDetokenizerTest,
                         testing::Values("maoocr_tiny", "tiny_qwen", "tiny_llava"));

TEST(IncrementalDetokenizerByteLevelTest, TextComesAsSoonAsItIsCertain) {
  const auto tokenizer = Load("maoocr_tiny");
  // The bytes E4 BD A0, an "a", and half a character.
  const auto ids = FindAll(*tokenizer, {"ä", "½", "ł", "a", "ä"});
  IncrementalDetokenizer detokenizer(*tokenizer, false);
  EXPECT_EQ(detokenizer.Append(ids[0]), "");
  EXPECT_EQ(detokenizer.Append(ids[1]), "");
  EXPECT_EQ(detokenizer.Append(ids[2]), "你");
  EXPECT_EQ(detokenizer.Append(ids[3]), "a");
  EXPECT_EQ(detokenizer.Append(ids[4]), "");
  EXPECT_EQ(detokenizer.Append(-1), "");
  EXPECT_EQ(detokenizer.Finish(), "\uFFFD");
}

TEST(IncrementalDetokenizerByteLevelTest, SpecialTokensAreSkippedOnRequest) {
  const auto tokenizer = Load("maoocr_tiny");
  const TokenId id = tokenizer->FindToken("<|ref|>").value();
  EXPECT_EQ(IncrementalDetokenizer(*tokenizer, false).Append(id), "<|ref|>");
  EXPECT_EQ(IncrementalDetokenizer(*tokenizer, true).Append(id), "");
}

TEST(IncrementalDetokenizerByteFallbackTest, ABadByteTurnsItsRunIntoReplacementCharacters) {
  const auto tokenizer = Load("tiny_llava");
  const auto ids = FindAll(*tokenizer, {"<0xE4>", "<0xBD>", "<0xA0>", "<0xFF>", "a"});
  IncrementalDetokenizer detokenizer(*tokenizer, false);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(detokenizer.Append(ids[i]), "");
  EXPECT_EQ(detokenizer.Append(ids[4]), "\uFFFD\uFFFD\uFFFD\uFFFDa");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(IncrementalDetokenizerStripTest, CharactersThatMayBeTheEndAreHeldBack) {
  SmallTokenizer small;
  small.decoder = R"({"type":"Sequence","decoders":[{"type":"Fuse"},)"
                  R"({"type":"Strip","content":"a","start":1,"stop":2}]})";
  const auto tokenizer = Tokenizer::FromJson(small.Json(), "small");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  IncrementalDetokenizer detokenizer(**tokenizer, false);
  const std::vector<std::string> expected = {"", "", "", "a", "aab", ""};
  const std::vector<TokenId> ids = {0, 0, 0, 0, 1, 0};
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(detokenizer.Append(ids[i]), expected[i]) << i;
  EXPECT_EQ(detokenizer.Finish(), "");
}

}  // namespace
}  // namespace mao
