// Broken and malicious tokenizer.json files: an error that names the file, never a crash or a hang.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "text/small_tokenizer_for_test.h"
#include "text/tokenizer.h"

namespace mao {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Status Load(const std::string& json) { return Tokenizer::FromJson(json, "evil.json").status(); }

void ExpectError(const SmallTokenizer& small, StatusCode code, const std::string& message) {
  const Status status = Load(small.Json());
  EXPECT_EQ(status.code(), code) << status.ToString();
  EXPECT_THAT(status.message(), StartsWith("evil.json: "));
  EXPECT_THAT(status.message(), HasSubstr(message));
}

SmallTokenizer WithPattern(const std::string& pattern) {
  SmallTokenizer small;
  small.pre_tokenizer =
      R"({"type":"Split","behavior":"Isolated","invert":false,"pattern":)" + pattern + "}";
  return small;
}

TEST(TokenizerHostileTest, DefaultIsGood) { EXPECT_TRUE(Load(SmallTokenizer().Json()).ok()); }

TEST(TokenizerHostileTest, EveryTruncationIsAnError) {
  const std::string json = SmallTokenizer().Json();
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_EQ(Load(json.substr(0, size)).code(), StatusCode::kDataLoss) << size;
  }
}

TEST(TokenizerHostileTest, TruncatedRealFile) {
  const auto json = ReadFile(
      std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/tiny_llava.json", 1 << 20);
  ASSERT_TRUE(json.ok());
  for (size_t size = 0; size + 1 < json->size(); size += 97) {
    EXPECT_FALSE(Load(json->substr(0, size)).ok()) << size;
  }
}

TEST(TokenizerHostileTest, WrongShapes) {
  for (const char* json :
       {"", "null", "[]", "3", "\"x\"", "{}", R"({"model":null})", R"({"model":[]})",
        R"({"model":{"vocab":[],"merges":[]}})", R"({"model":{"vocab":{},"merges":{}}})",
        "\xFF\xFE", "{\"a\":\"\xFF\"}"}) {
    const Status status = Load(json);
    EXPECT_FALSE(status.ok()) << json;
    EXPECT_THAT(status.message(), StartsWith("evil.json: "));
  }
}

TEST(TokenizerHostileTest, Ids) {
  ExpectError({.vocab = R"({"a":-1})", .merges = "[]"}, StatusCode::kOutOfRange, "-1");
  ExpectError({.vocab = R"({"a":4194304})", .merges = "[]"}, StatusCode::kOutOfRange, "4194303");
  ExpectError({.vocab = R"({"a":18446744073709551615})", .merges = "[]"},
              StatusCode::kInvalidArgument, "no integer");
  ExpectError({.vocab = R"({"a":1.5})", .merges = "[]"}, StatusCode::kInvalidArgument, "'a'");
  ExpectError({.vocab = R"({"a":"1"})", .merges = "[]"}, StatusCode::kInvalidArgument, "'a'");
  ExpectError({.vocab = R"({"a":1,"b":1})", .merges = "[]"}, StatusCode::kInvalidArgument,
              "both 'a' and 'b'");
  ExpectError({.vocab = R"({"a":1,"a":2})", .merges = "[]"}, StatusCode::kInvalidArgument,
              "two ids");
  ExpectError({.vocab = R"({")" + std::string(16385, 'x') + R"(":1})", .merges = "[]"},
              StatusCode::kOutOfRange, "16384");
  ExpectError({.vocab = R"({"\udc00":1})", .merges = "[]"}, StatusCode::kDataLoss, "string");
  ExpectError({.vocab = R"({"\ud800x":1})", .merges = "[]"}, StatusCode::kDataLoss, "string");
}

TEST(TokenizerHostileTest, Merges) {
  ExpectError({.merges = R"([["a","x"]])"}, StatusCode::kInvalidArgument, "merge 0: 'a' + 'x'");
  ExpectError({.merges = R"([["a","b"],["b","a"]])"}, StatusCode::kInvalidArgument, "merge 1");
  for (const char* merge : {"[\"ab\"]", "[\"a b c\"]", "[\"\"]", "[1]", "[[\"a\"]]", "[[\"a\",1]]",
                            "[[\"a\",\"b\",\"c\"]]", "[null]", "[{}]"}) {
    ExpectError({.merges = merge}, StatusCode::kInvalidArgument, "merge 0");
  }
}

// A token that is its own part: merging still ends, because every step removes a symbol.
TEST(TokenizerHostileTest, MergesWithTheEmptyToken) {
  SmallTokenizer small;
  small.vocab = R"({"":0,"a":1})";
  small.merges = R"([["","a"],["a",""],["",""]])";
  small.model_options = R"("unk_token":"","byte_fallback":true)";
  auto tokenizer = Tokenizer::FromJson(small.Json(), "x");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  const auto ids = (*tokenizer)->Encode("xaxxaxa" + std::string(300, 'x'));
  ASSERT_TRUE(ids.ok());
  EXPECT_LE(ids->size(), 307u);
}

TEST(TokenizerHostileTest, AddedTokens) {
  const auto with = [](const std::string& tokens) {
    return SmallTokenizer{.added_tokens = "[" + tokens + "]"};
  };
  ExpectError(with(R"({"id":-3,"content":"x"})"), StatusCode::kOutOfRange, "-3");
  ExpectError(with(R"({"id":1e30,"content":"x"})"), StatusCode::kInvalidArgument, "id");
  ExpectError(with(R"({"id":0,"content":"x"})"), StatusCode::kInvalidArgument, "both 'a' and 'x'");
  ExpectError(with(R"({"id":9,"content":"a"})"), StatusCode::kInvalidArgument, "two ids");
  ExpectError(with(R"({"content":"x"})"), StatusCode::kInvalidArgument, "\"id\" is missing");
  ExpectError(with(R"({"id":9,"content":")" + std::string(1025, 'x') + "\"}"),
              StatusCode::kOutOfRange, "1024");
  ExpectError(with("7"), StatusCode::kInvalidArgument, "added token");
  EXPECT_TRUE(
      Load(with(R"({"id":9,"content":""},{"id":8,"content":"x"},{"id":8,"content":"x"})").Json())
          .ok());
}

TEST(TokenizerHostileTest, UnknownComponentsAreNamed) {
  const std::string odd = R"({"type":"Frobnicate"})";
  const auto code = StatusCode::kUnimplemented;
  ExpectError({.normalizer = odd}, code, "normalizer: Frobnicate: type 'Frobnicate'");
  ExpectError({.pre_tokenizer = odd}, code, "pre_tokenizer: Frobnicate");
  ExpectError({.post_processor = odd}, code, "post_processor: Frobnicate");
  ExpectError({.decoder = odd}, code, "decoder: Frobnicate");
  ExpectError({.model_options = R"("type":"Unigram")"}, code, "model: type 'Unigram'");
  ExpectError({.model_options = R"("dropout":0.1)"}, code, "dropout");
  ExpectError({.model_options = R"("end_of_word_suffix":"</w>")"}, code, "end_of_word_suffix");
  ExpectError({.pre_tokenizer = R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},)"
                                R"({"type":"Digits"}]})"},
              code, "after ByteLevel");
  ExpectError({.decoder = R"({"type":"Sequence","decoders":[{"type":"Fuse"},)"
                          R"({"type":"ByteFallback"}]})"},
              code, "after one that fuses");
}

TEST(TokenizerHostileTest, Templates) {
  const auto with = [](const std::string& single, const std::string& ids) {
    return SmallTokenizer{.post_processor = R"({"type":"TemplateProcessing","single":[)" + single +
                                            R"(],"special_tokens":{"s":{"ids":)" + ids + "}}}"};
  };
  const std::string text = R"({"Sequence":{"id":"A"}})";
  const std::string token = R"({"SpecialToken":{"id":"s"}})";
  const auto wrong = StatusCode::kInvalidArgument;
  EXPECT_TRUE(Load(with(token + "," + text, "[0]").Json()).ok());
  ExpectError(with(token, "[0]"), wrong, "without the text");
  ExpectError(with(token + "," + text, "[-1]"), wrong, "id -1");
  ExpectError(with(token + "," + text, "[12345]"), wrong, "id 12345");
  ExpectError(with(R"({"SpecialToken":{"id":"t"}})", "[0]"), wrong, "\"t\" is missing");
  ExpectError(with(text + "," + text, "[0]"), StatusCode::kUnimplemented, "two texts");
  const SmallTokenizer one = with(token + "," + text, "[0]");
  ExpectError({.post_processor = R"({"type":"Sequence","processors":[)" + one.post_processor + "," +
                                 one.post_processor + "]}"},
              StatusCode::kUnimplemented, "second template");
}

TEST(TokenizerHostileTest, Nesting) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(Load(deep).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(Load("{\"model\":" + deep + "}").code(), StatusCode::kOutOfRange);
  std::string steps = R"({"type":"NFC"})";
  for (int i = 0; i < 20; ++i) {
    steps.insert(0, R"({"type":"Sequence","normalizers":[)");
    steps += "]}";
  }
  ExpectError({.normalizer = steps}, StatusCode::kOutOfRange, "limit of 32");
}

TEST(TokenizerHostileTest, TooManySteps) {
  std::string steps = R"({"type":"NFC"})";
  for (int i = 0; i < 64; ++i) steps += R"(,{"type":"NFC"})";
  ExpectError({.normalizer = R"({"type":"Sequence","normalizers":[)" + steps + "]}"},
              StatusCode::kOutOfRange, "64");
}

// `expression` is escaped for JSON.
SmallTokenizer WithRegex(const std::string& expression) {
  return WithPattern("{\"Regex\":\"" + expression + "\"}");
}

TEST(TokenizerHostileTest, BadPatterns) {
  const auto wrong = StatusCode::kInvalidArgument;
  ExpectError(WithRegex("(a"), wrong, "'(a'");
  ExpectError(WithRegex("[z-a]"), wrong, "'[z-a]'");
  ExpectError(WithRegex("\\\\"), wrong, "regular expression");
  ExpectError(WithRegex("(?:(?:(?:a{1000}){1000}){1000})"), wrong, "too large");
  ExpectError(WithRegex(std::string(5000, '(')), wrong, "nested");
  ExpectError(WithRegex(std::string(16385, 'a')), StatusCode::kOutOfRange, "16384");
  ExpectError(WithRegex("[a[b]]"), StatusCode::kUnimplemented, "[ inside [...]");
  ExpectError(WithPattern("{\"Regex\":3}"), wrong, "Regex");
  ExpectError(WithPattern("{}"), wrong, "String");
  ExpectError(WithPattern("\"x\""), wrong, "pattern");
}

TEST(TokenizerHostileTest, ExponentialPatternEndsInAnError) {
  const auto tokenizer = Tokenizer::FromJson(WithRegex("(a+)+$").Json(), "x");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  const auto ids = (*tokenizer)->Encode(std::string(5000, 'a') + "b");
  EXPECT_EQ(ids.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(ids.status().message(), HasSubstr("match limit exceeded"));
}

TEST(TokenizerHostileTest, GrowingReplacementsEndInAnError) {
  const std::string step =
      R"({"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(1024, 'a') + "\"}";
  SmallTokenizer small;
  small.normalizer =
      R"({"type":"Sequence","normalizers":[)" + step + "," + step + "," + step + "]}";
  const auto tokenizer = Tokenizer::FromJson(small.Json(), "x");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  const auto ids = (*tokenizer)->Encode("a");
  EXPECT_EQ(ids.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(ids.status().message(), HasSubstr("1073741824 bytes"));

  small.normalizer = R"({"type":"Prepend","prepend":")" + std::string(1025, 'a') + "\"}";
  ExpectError(small, StatusCode::kOutOfRange, "1024");
}

}  // namespace
}  // namespace mao
