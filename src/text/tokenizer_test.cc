#include "text/tokenizer.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "text/small_tokenizer_for_test.h"
#include "text/utf8.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::unique_ptr<Tokenizer> Make(const SmallTokenizer& small) {
  auto tokenizer = Tokenizer::FromJson(small.Json(), "small");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

std::unique_ptr<Tokenizer> LoadTiny() {
  const auto json = ReadFile(
      std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/maoocr_tiny.json", 1 << 20);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  auto tokenizer = Tokenizer::FromJson(*json, "maoocr_tiny");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return *std::move(tokenizer);
}

std::vector<TokenId> Encode(const Tokenizer& tokenizer, std::string_view text,
                            const EncodeOptions& options = {}) {
  auto ids = tokenizer.Encode(text, options);
  EXPECT_TRUE(ids.ok()) << ids.status().ToString();
  return ids.ok() ? *std::move(ids) : std::vector<TokenId>{};
}

TEST(TokenizerTest, LooksUpTokens) {
  SmallTokenizer small;
  small.added_tokens = R"([{"id":9,"content":"<x>","special":true},{"id":7,"content":"<y>"}])";
  const auto tokenizer = Make(small);
  EXPECT_EQ(tokenizer->vocab_size(), 10u);
  EXPECT_EQ(tokenizer->FindToken("abc"), 4);
  EXPECT_EQ(tokenizer->FindToken("<x>"), 9);
  EXPECT_EQ(tokenizer->FindToken("x"), std::nullopt);
  EXPECT_EQ(tokenizer->TokenText(7), "<y>");
  for (const TokenId none : {-1, 5, 8, 10, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(tokenizer->TokenText(none), std::nullopt) << none;
    EXPECT_FALSE(tokenizer->IsSpecial(none)) << none;
  }
  EXPECT_TRUE(tokenizer->IsSpecial(9));
  EXPECT_FALSE(tokenizer->IsSpecial(7));
}

TEST(TokenizerTest, MergesByRank) {
  const auto tokenizer = Make({});
  EXPECT_THAT(Encode(*tokenizer, "abcab"), ElementsAre(4, 3));
  EXPECT_THAT(Encode(*tokenizer, "cba"), ElementsAre(2, 1, 0));
  EXPECT_THAT(Encode(*tokenizer, ""), IsEmpty());
}

TEST(TokenizerTest, LastOfEqualMergesCounts) {
  SmallTokenizer small;
  small.vocab = R"({"a":0,"b":1,"c":2,"ab":3,"bc":4})";
  small.merges = R"(["a b","b c","a b"])";
  EXPECT_THAT(Encode(*Make(small), "abc"), ElementsAre(0, 4));
}

TEST(TokenizerTest, IgnoreMergesTakesWholePieces) {
  SmallTokenizer small;
  small.merges = "[]";
  EXPECT_THAT(Encode(*Make(small), "abc"), ElementsAre(0, 1, 2));
  small.model_options = R"("ignore_merges":true)";
  EXPECT_THAT(Encode(*Make(small), "abc"), ElementsAre(4));
  EXPECT_THAT(Encode(*Make(small), "abca"), ElementsAre(0, 1, 2, 0));
}

TEST(TokenizerTest, DecodeSkipsIdsWithoutToken) {
  const auto tokenizer = Make({});
  const std::vector<TokenId> ids = {-5, 3, 99, 2, INT32_MAX};
  EXPECT_EQ(tokenizer->Decode(ids, false), "abc");
  EXPECT_EQ(tokenizer->Decode({}, false), "");
}

TEST(TokenizerTest, ReadsIllFormedUtf8AsReplacementCharacters) {
  const auto tokenizer = LoadTiny();
  const std::string bad = std::string("a\xFF") + "b\xE4\xBD" + "c\xED\xA0\x80\xC0\xAF\xF0\x9F";
  const std::string repaired = "a\uFFFDb\uFFFDc\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD";
  const std::vector<TokenId> ids = Encode(*tokenizer, bad);
  EXPECT_EQ(ids, Encode(*tokenizer, repaired));
  EXPECT_EQ(tokenizer->Decode(ids, false), repaired);
}

TEST(TokenizerTest, KeepsNulBytes) {
  const auto tokenizer = LoadTiny();
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(tokenizer->Decode(Encode(*tokenizer, text), false), text);
}

TEST(TokenizerTest, UserTextStaysTextWhenSpecialTokensAreNotParsed) {
  const auto tokenizer = LoadTiny();
  const std::string text = "a<|ref|>b<image><td>";
  bool any_special = false;
  for (const TokenId id : Encode(*tokenizer, text)) any_special |= tokenizer->IsSpecial(id);
  EXPECT_TRUE(any_special);
  const std::vector<TokenId> ids = Encode(*tokenizer, text, {.parse_special_tokens = false});
  for (const TokenId id : ids) EXPECT_FALSE(tokenizer->IsSpecial(id)) << id;
  EXPECT_EQ(tokenizer->Decode(ids, true), text);
}

// A special token that merging, a single character or ignore_merges could give.
TEST(TokenizerTest, ModelYieldsNoSpecialTokenWhenTheyAreNotParsed) {
  SmallTokenizer small;
  small.added_tokens =
      R"([{"id":3,"content":"ab","special":true},{"id":2,"content":"c","special":true}])";
  const EncodeOptions user_text = {.parse_special_tokens = false};
  auto tokenizer = Make(small);
  EXPECT_THAT(Encode(*tokenizer, "abc"), ElementsAre(3, 2));
  EXPECT_THAT(Encode(*tokenizer, "abc", user_text), ElementsAre(0, 1));
  const std::string many_a(500, 'a');  // long enough for the heap
  EXPECT_EQ(Encode(*tokenizer, many_a + "b", user_text).size(), 501u);

  small.model_options = R"("type":"BPE","ignore_merges":true)";
  tokenizer = Make(small);
  EXPECT_THAT(Encode(*tokenizer, "ab", user_text), ElementsAre(0, 1));
}

TEST(TokenizerTest, UnknownCharactersVanishWithoutUnkToken) {
  EXPECT_THAT(Encode(*Make({}), "xaxbx"), ElementsAre(3));
}

TEST(TokenizerTest, OnlyTheStartOfTheTextIsFirst) {
  SmallTokenizer small;
  small.vocab = R"({"_":0,"a":1})";
  small.merges = "[]";
  small.pre_tokenizer =
      R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":false})";
  small.added_tokens = R"([{"id":5,"content":"<x>","normalized":false},)"
                       R"({"id":6,"content":"<n>","normalized":true}])";
  const auto tokenizer = Make(small);
  EXPECT_THAT(Encode(*tokenizer, "a<n>a<x>a"), ElementsAre(0, 1, 6, 1, 5, 1));
  EXPECT_THAT(Encode(*tokenizer, "<x>a"), ElementsAre(5, 1));
}

TEST(TokenizerTest, TemplateIdsKeepTheirOrder) {
  SmallTokenizer small;
  small.post_processor =
      R"({"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",)"
      R"("single":[{"SpecialToken":{"id":"l"}},{"SpecialToken":{"id":"r"}},)"
      R"({"Sequence":{"id":"A"}},{"SpecialToken":{"id":"r"}},{"SpecialToken":{"id":"l"}}],)"
      R"("special_tokens":{"l":{"ids":[3]},"r":{"ids":[0,1]}}}]})";
  const auto tokenizer = Make(small);
  EXPECT_THAT(Encode(*tokenizer, "c", {.add_special_tokens = true}),
              ElementsAre(3, 0, 1, 2, 0, 1, 3));
  EXPECT_THAT(Encode(*tokenizer, "c"), ElementsAre(2));
}

TEST(TokenizerTest, RefusesTooMuchText) {
  const auto tokenizer = Make({});
  const std::string text(Tokenizer::kMaxTextBytes + 1, 'a');
  const auto ids = tokenizer->Encode(text);
  EXPECT_EQ(ids.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(ids.status().message(), HasSubstr("16777216"));
}

TEST(TokenizerTest, LongWordsTakeNoQuadraticTime) {
  SmallTokenizer small;
  small.vocab = R"({"a":0,"aa":1,"aaaa":2})";
  small.merges = R"(["a a","aa aa"])";
  const std::string word(size_t{1} << 22, 'a');
  EXPECT_EQ(Encode(*Make(small), word).size(), word.size() / 4);
}

TEST(TokenizerTest, ThreadsShareOne) {
  const auto tokenizer = LoadTiny();
  const std::string text =
      "Locate <|ref|>Total<|/ref|> in the image. 中文 12345 " + std::string(300, 'x');
  const std::vector<TokenId> expected = Encode(*tokenizer, text);
  std::vector<std::thread> threads;
  std::vector<int> num_equal(4);
  for (int& count : num_equal) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const auto ids = tokenizer->Encode(text);
        count += ids.ok() && *ids == expected && tokenizer->Decode(*ids, false) == text;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(num_equal, ElementsAre(50, 50, 50, 50));
}

// Of random sequences: where the joined bytes are UTF-8, they are the text.
TEST(TokenizerTest, TokenBytesJoinedAreTheText) {
  for (const char* name : {"maoocr_tiny", "tiny_llava", "tiny_qwen"}) {
    const auto json = ReadFile(
        std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/" + name + ".json", 1 << 24);
    ASSERT_TRUE(json.ok());
    const auto tokenizer = Tokenizer::FromJson(*json, name);
    ASSERT_TRUE(tokenizer.ok() && (*tokenizer)->CheckTokenBytes().ok());
    EXPECT_FALSE((*tokenizer)->TokenBytes(1 << 20, true).has_value());
    std::mt19937 random(9);
    int num_compared = 0;
    for (int round = 0; round < 3000; ++round) {
      std::vector<TokenId> ids;
      std::string bytes;
      while (ids.size() < 1 + random() % 4) {
        const auto id = static_cast<TokenId>(random() % (*tokenizer)->vocab_size());
        const auto piece = (*tokenizer)->TokenBytes(id, ids.empty());
        EXPECT_EQ(piece.has_value(),
                  (*tokenizer)->TokenText(id).has_value() && !(*tokenizer)->IsSpecial(id));
        if (!piece.has_value()) continue;
        ids.push_back(id);
        bytes += *piece;
      }
      if (!IsValidUtf8(bytes)) continue;
      ++num_compared;
      ASSERT_EQ(bytes, (*tokenizer)->Decode(ids, false));
    }
    EXPECT_GT(num_compared, 500) << name;
  }
}

}  // namespace
}  // namespace mao
