#include "serve/store/json_text.h"

#include "serve/store/stored_batch.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

TEST(JsonTextTest, AcceptsJsonAndNothingElse) {
  for (const char* text : {"{}", "[1, 2]", "\"x\"", "null", "{\"a\": \"\\u0000\"}\n"}) {
    MAO_EXPECT_OK(CheckJson(text, "request"));
  }
  for (const std::string text : {"", "{", "{} {}", "{'a':1}", "\"a\nb\"", "\"\xff\"", "nul"}) {
    ExpectError(CheckJson(text, "request"), StatusCode::kInvalidArgument, "request");
  }
  EXPECT_FALSE(CheckJson(std::string("{}\0{}", 5), "request").ok());
}

TEST(JsonTextTest, DeepNestingNeitherCrashesNorHangs) {
  const size_t depth = 1'000'000;
  EXPECT_FALSE(CheckJson(std::string(depth, '['), "bomb").ok());
  MAO_EXPECT_OK(CheckJson(std::string(depth, '[') + std::string(depth, ']'), "deep"));
}

TEST(JsonTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abcd", 3), "abc");
  EXPECT_EQ(CutUtf8("a\xC3\xA4", 2), "a");
  EXPECT_EQ(CutUtf8("\xE4\xB8\xAD\xE6\x96\x87", 5), "\xE4\xB8\xAD");
}

TEST(OutputLineTest, HasTheShapeOfOpenAiBatches) {
  EXPECT_EQ(OutputLine({.job_id = "job_12",
                        .custom_id = "page \"1\"",
                        .result = "{\n  \"text\": \"a\\nb\"\r\n}",
                        .error = {}}),
            R"({"id":"batch_req_12","custom_id":"page \"1\"","response":{"status_code":200,)"
            R"("request_id":"job_12","body":{   "text": "a\nb"  }},"error":null})"
            "\n");
  EXPECT_EQ(OutputLine({.job_id = "job_12",
                        .custom_id = "x",
                        .result = std::nullopt,
                        .error = {.code = "c", .message = "m\n"}}),
            R"({"id":"batch_req_12","custom_id":"x","response":null,)"
            R"("error":{"code":"c","message":"m\n"}})"
            "\n");
}

}  // namespace
}  // namespace mao
