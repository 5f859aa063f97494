// Ollama's API: /api/generate, /api/chat, /api/tags, /api/show, /api/ps, /api/version.
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rest/ollama_answer.h"
#include "serve/rest/ollama_request.h"
#include "serve/rest/rest_client_for_test.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The body with moments and durations made equal.
std::string Normal(const std::string& body) {
  const std::string dates =
      std::regex_replace(body, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"), "DATE");
  return std::regex_replace(dates, std::regex(R"("total_duration":\d+)"), "\"total_duration\":T");
}

constexpr const char* kFigures =
    R"("done_reason":"stop","total_duration":T,"load_duration":0,"prompt_eval_count":10,)"
    R"("prompt_eval_duration":0,"eval_count":2,"eval_duration":0)";

class OllamaTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.backend().AnswerTo("Free OCR", "一页文字");
    client_.backend().AnswerTo("Read", "red seal!!");
  }
  GenerationRequest LastRequest() { return client_.backend().requests().back(); }

  RestClient client_;
};

TEST_F(OllamaTest, GenerateStreamsByDefault) {
  const RestResponse response = client_.PostJson(
      "/api/generate",
      {{"model", "fake-ocr"}, {"prompt", "<image>\nRead this."}, {"images", {PageBase64()}}});
  EXPECT_EQ(response.content_type, "application/x-ndjson");
  EXPECT_EQ(
      Normal(response.body),
      "{\"model\":\"fake-ocr\",\"created_at\":\"DATE\",\"response\":\"red seal\",\"done\":false}\n"
      "{\"model\":\"fake-ocr\",\"created_at\":\"DATE\",\"response\":\"!!\",\"done\":false}\n"
      "{\"model\":\"fake-ocr\",\"created_at\":\"DATE\",\"response\":\"\",\"done\":true," +
          std::string(kFigures) +
          ",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}}\n");
  EXPECT_EQ(PromptText(LastRequest()), "\nRead this.");
}

TEST_F(OllamaTest, GenerateAtOnce) {
  const RestResponse response = client_.PostJson(
      "/api/generate", {{"prompt", "Read this."}, {"images", {PageBase64()}}, {"stream", false}});
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(
      Normal(response.body),
      "{\"model\":\"fake-ocr\",\"created_at\":\"DATE\",\"response\":\"red seal!!\",\"done\":true," +
          std::string(kFigures) +
          ",\"text\":\"red seal!!\",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,"
          "\"total_tokens\":12}}");
}

TEST_F(OllamaTest, Chat) {
  const json body = {{"model", "fake-ocr:latest"},
                     {"messages",
                      {{{"role", "system"}, {"content", "Be exact."}},
                       {{"role", "user"}, {"content", "Read."}, {"images", {PageBase64()}}}}}};
  const RestResponse response = client_.PostJson("/api/chat", body);
  EXPECT_EQ(Normal(response.body),
            "{\"model\":\"fake-ocr:latest\",\"created_at\":\"DATE\",\"message\":{\"role\":"
            "\"assistant\",\"content\":\"red seal\"},\"done\":false}\n"
            "{\"model\":\"fake-ocr:latest\",\"created_at\":\"DATE\",\"message\":{\"role\":"
            "\"assistant\",\"content\":\"!!\"},\"done\":false}\n"
            "{\"model\":\"fake-ocr:latest\",\"created_at\":\"DATE\",\"message\":{\"role\":"
            "\"assistant\",\"content\":\"\"},\"done\":true," +
                std::string(kFigures) + "}\n");
  EXPECT_EQ(PromptText(LastRequest()), "\nBe exact.\nRead.");
}

TEST_F(OllamaTest, AnImageWithoutAPromptIsReadAsText) {
  const auto body =
      client_.PostJson("/api/generate", {{"images", {PageBase64()}}, {"stream", false}}).json();
  EXPECT_EQ(body["response"], "一页文字");
}

TEST_F(OllamaTest, NothingToDoOnlyLoadsTheModel) {
  for (const json& body : {json{{"model", "fake-ocr"}}, json{{"keep_alive", -1}}}) {
    const auto answer = client_.PostJson("/api/generate", body).json();
    EXPECT_EQ(answer["done_reason"], "load");
    EXPECT_EQ(answer["response"], "");
  }
  const auto chat = client_.PostJson("/api/chat", {{"messages", json::array()}}).json();
  EXPECT_EQ(chat["done_reason"], "load");
  EXPECT_TRUE(client_.backend().requests().empty());
}

TEST_F(OllamaTest, Options) {
  client_.PostJson("/api/generate", {{"prompt", "Read."},
                                     {"max_tokens", 9},
                                     {"images", {PageBase64()}},
                                     {"options",
                                      {{"temperature", 0.5},
                                       {"top_k", 3},
                                       {"top_p", 0.9},
                                       {"seed", 7},
                                       {"stop", {"x"}},
                                       {"num_predict", 5},
                                       {"num_ctx", 4096},
                                       {"repeat_penalty", 1.1},
                                       {"size", "large"}}}});
  const GenerationRequest request = LastRequest();
  EXPECT_FLOAT_EQ(request.sampling.temperature, 0.5F);
  EXPECT_EQ(request.sampling.top_k, 3);
  EXPECT_FLOAT_EQ(request.sampling.top_p, 0.9F);
  EXPECT_EQ(request.sampling.seed, 7U);
  EXPECT_EQ(request.sampling.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(request.sampling.max_tokens, 5);
  EXPECT_FLOAT_EQ(request.sampling.repetition_penalty, 1.1F);
  EXPECT_EQ(request.image_options.mode, "large");
  client_.PostJson("/api/generate", {{"prompt", "Read."}, {"options", {{"num_predict", -1}}}});
  EXPECT_EQ(LastRequest().sampling.max_tokens, SamplingParams().max_tokens);
}

TEST_F(OllamaTest, Formats) {
  const auto constraint_of = [&](const std::string& format) {
    client_.Send(client_.Request("POST", "/api/generate", "application/json",
                                 R"({"prompt": "Read.", "format": )" + format + "}"));
    return LastRequest().sampling.constraint;
  };
  EXPECT_EQ(constraint_of("\"json\"")->kind, ConstraintSpec::Kind::kJsonObject);
  const auto schema = constraint_of(R"({"properties": {"b": {}, "a": {}}})");
  EXPECT_EQ(schema->kind, ConstraintSpec::Kind::kJsonSchema);
  EXPECT_EQ(schema->text, R"({"properties":{"b":{},"a":{}}})");
  EXPECT_FALSE(constraint_of("\"\"").has_value());
}

TEST_F(OllamaTest, FinishReasons) {
  client_.backend().AnswerTo("long", "cut", StopReason::kMaxTokens);
  client_.backend().AnswerTo("round", "aaaa", StopReason::kRepetition);
  const auto last = [&](const char* prompt) {
    return client_.PostJson("/api/generate", {{"prompt", prompt}, {"stream", false}}).json();
  };
  EXPECT_EQ(last("long")["done_reason"], "length");
  EXPECT_FALSE(last("long").contains("stop_reason"));
  EXPECT_EQ(last("round")["done_reason"], "length");
  EXPECT_EQ(last("round")["stop_reason"], "repetition");
}

TEST_F(OllamaTest, Errors) {
  const auto check = [&](const json& body, int status, const std::string& message) {
    const RestResponse response = client_.PostJson("/api/generate", body);
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_THAT(response.json()["error"].get<std::string>(), HasSubstr(message));
  };
  check({{"model", "other:latest"}, {"prompt", "x"}}, 404, "fake-ocr");
  check({{"prompt", 3}}, 400, "prompt");
  check({{"prompt", "x"}, {"images", {"!"}}}, 400, "images[0]: base64");
  check({{"prompt", "x"}, {"images", {PageBase64(), PageBase64()}}}, 400, "one image");
  check({{"prompt", "x"}, {"format", "xml"}}, 400, "format");
  check({{"prompt", "x"}, {"tools", {1}}}, 400, "tools");
  check({{"prompt", "x"}, {"think", true}}, 400, "think");
  check({{"prompt", "x"}, {"options", {{"top_k", "a"}}}}, 400, "options.top_k");
  check({{"prompt", "<image>\n"}, {"images", {PageBase64()}}}, 400, "prompt");
  check(json::array(), 400, "object");
  EXPECT_EQ(client_.PostJson("/api/chat", {{"messages", {{{"content", "x"}}}}}).status, 400);
  EXPECT_EQ(client_.PostJson("/api/chat", {{"messages", 3}}).status, 400);
}

TEST_F(OllamaTest, WhatDoesNotMatterIsNotRefused) {
  const RestResponse response = client_.PostJson("/api/generate", {{"prompt", "Read."},
                                                                   {"format", ""},
                                                                   {"tools", json::array()},
                                                                   {"think", false},
                                                                   {"suffix", ""},
                                                                   {"keep_alive", "5m"},
                                                                   {"raw", true},
                                                                   {"stream", false}});
  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(OllamaTest, Models) {
  const auto tags = client_.Get("/api/tags").json()["models"];
  ASSERT_EQ(tags.size(), 1U);
  EXPECT_EQ(tags[0]["name"], "fake-ocr");
  EXPECT_EQ(tags[0]["details"]["format"], "safetensors");
  client_.service().AddModel("loading");
  EXPECT_EQ(client_.Get("/api/tags").json()["models"].size(), 2U);
  EXPECT_EQ(client_.Get("/api/ps").json()["models"].size(), 1U);
  const auto show = client_.PostJson("/api/show", {{"model", "fake-ocr:latest"}}).json();
  EXPECT_EQ(show["capabilities"].dump(), R"(["completion","vision"])");
  EXPECT_EQ(client_.PostJson("/api/show", {{"name", "none"}}).status, 404);
  EXPECT_EQ(client_.Get("/api/version").body, R"({"version":"1.2.3"})");
}

TEST(Rfc3339Test, Moments) {
  using std::chrono::microseconds;
  const std::chrono::system_clock::time_point epoch;
  EXPECT_EQ(Rfc3339(epoch), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(Rfc3339(epoch + microseconds(1'700'000'000'123'456)), "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(Rfc3339(epoch - microseconds(1)), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace mao
