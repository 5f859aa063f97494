#include <condition_variable>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/graphql_api/graphql_client_for_test.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

constexpr const char* kOcr =
    "mutation ($page: OcrInput!) { ocr(input: $page) { text rawText metadata { mode finishReason "
    "requestId fromCache ignored } } }";

// What a subscription sends, and how it ends.
class Subscription {
 public:
  Subscription(const GraphQlClient& client, const std::string& query, const Json& variables)
      : context_(GraphQlClient::MakeContext()) {
    client.executor()->Subscribe(
        client.executor()->Prepare(GraphQlClient::MakeRequest(query, variables)), context_,
        {[this](const Json& response) {
           const std::lock_guard lock(mutex_);
           events_.push_back(response);
           changed_.notify_all();
           return true;
         },
         [this](const Status& status) {
           const std::lock_guard lock(mutex_);
           end_ = status;
           changed_.notify_all();
         }});
  }

  ServiceRequest& context() { return *context_; }
  void WaitForEvent() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !events_.empty() || end_.has_value(); });
  }
  Status Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return end_.has_value(); });
    return *end_;
  }
  const std::vector<Json>& events() const { return events_; }

 private:
  const std::shared_ptr<ServiceRequest> context_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> events_;
  std::optional<Status> end_;
};

class GenerationResolversTest : public testing::Test {
 protected:
  GraphQlClient client_;
};

TEST_F(GenerationResolversTest, ReadsAPage) {
  client_.backend().AnswerTo("", "第一行\n第二行");
  const Json response =
      client_.Ask(kOcr, PageInput({{"mode", "PLAIN_OCR"}, {"findTerm", "x"}, {"maxTokens", 9}}));
  EXPECT_EQ(response.dump(),
            R"({"data":{"ocr":{"text":"第一行\n第二行","rawText":"第一行\n第二行","metadata":{)"
            R"("mode":"PLAIN_OCR","finishReason":"STOP","requestId":"r1","fromCache":false,)"
            R"("ignored":["find_term"]}}}})");
  const GenerationRequest request = client_.backend().requests().back();
  EXPECT_EQ(request.sampling.max_tokens, 9);
  EXPECT_EQ(request.context.operation, "ocr");
}

TEST_F(GenerationResolversTest, EachCallHasAnIdOfItsOwn) {
  const Json data = client_.Ask(
      "mutation ($page: OcrInput!) { a: ocr(input: $page) { metadata { requestId } } "
      "b: ocr(input: $page) { metadata { requestId fromCache } } }",
      PageInput())["data"];
  EXPECT_EQ(data["a"]["metadata"]["requestId"], "r1");
  EXPECT_EQ(data["b"]["metadata"]["requestId"], "r1-2");
}

TEST_F(GenerationResolversTest, KnownAnswersUnlessTheyAreNotWanted) {
  const auto is_cached = [this](const Json& more) {
    return client_.Ask(kOcr, PageInput(more))["data"]["ocr"]["metadata"]["fromCache"].get<bool>();
  };
  EXPECT_FALSE(is_cached(Json::object()));
  EXPECT_TRUE(is_cached(Json::object()));
  EXPECT_FALSE(is_cached({{"bypassCache", true}}));
}

TEST_F(GenerationResolversTest, ErrorsSayWhatOtherInterfacesSay) {
  client_.backend().FailWith(ResourceExhaustedError("full"));
  const Json error = client_.Ask(kOcr, PageInput())["errors"][0];
  EXPECT_EQ(error["message"], "full");
  EXPECT_EQ(error["extensions"].dump(), R"({"code":"rate_limit_exceeded","http":{"status":429}})");
}

TEST_F(GenerationResolversTest, MutationsAreFew) {
  std::string query = "mutation {";
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    query += std::string(name) + ": generate(input: {prompt: \"x\"}) { text } ";
  }
  EXPECT_THAT(client_.Ask(query + "}").dump(), HasSubstr("5 root fields; the limit is 4"));
  EXPECT_TRUE(client_.backend().requests().empty());
}

TEST_F(GenerationResolversTest, WaitsWithoutAThread) {
  client_.backend().Hold();
  std::future<Json> first = client_.Begin(kOcr, PageInput());
  std::future<Json> second = client_.Begin(kOcr, PageInput({{"size", "TINY"}}));
  EXPECT_EQ(first.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  client_.backend().Release();
  EXPECT_TRUE(first.get().contains("data"));
  EXPECT_TRUE(second.get().contains("data"));
}

TEST_F(GenerationResolversTest, CancellingEndsTheCallAndWhatFollows) {
  client_.backend().Hold();
  const auto context = GraphQlClient::MakeContext();
  std::future<Json> response = client_.Begin(
      "mutation ($page: OcrInput!) { a: ocr(input: $page) { text } b: ocr(input: $page) { text } }",
      PageInput(), context);
  context->Cancel();
  const Json answer = response.get();
  EXPECT_EQ(answer["data"], Json());
  EXPECT_EQ(answer["errors"][0]["extensions"]["code"], "cancelled");
  EXPECT_LE(client_.backend().requests().size(), 1u);
  // Before it has begun.
  EXPECT_EQ(client_.Ask(kOcr, PageInput(), context)["errors"][0]["extensions"]["code"],
            "cancelled");
}

TEST_F(GenerationResolversTest, SubscriptionsSendTheTextThenTheAnswer) {
  client_.backend().AnswerTo("", "一二三四五六七八九十");
  Subscription read(
      client_, "subscription ($page: OcrInput!) { ocr(input: $page) { text result { rawText } } }",
      PageInput({{"mode", "PLAIN_OCR"}}));
  EXPECT_TRUE(read.Wait().ok());
  std::string text;
  for (size_t i = 0; i + 1 < read.events().size(); ++i) {
    const Json& event = read.events()[i]["data"]["ocr"];
    EXPECT_EQ(event["result"], Json());
    text += event["text"].get<std::string>();
  }
  EXPECT_GT(read.events().size(), 2u);
  EXPECT_EQ(text, "一二三四五六七八九十");
  EXPECT_EQ(read.events().back().dump(),
            R"({"data":{"ocr":{"text":null,"result":{"rawText":"一二三四五六七八九十"}}}})");
}

TEST_F(GenerationResolversTest, SubscriptionsEndWhenCancelled) {
  client_.backend().AnswerTo("", "a long answer in pieces");
  client_.backend().Hold();
  Subscription read(client_,
                    "subscription { generate(input: {prompt: \"x\"}) { text result { text } } }",
                    Json::object());
  read.WaitForEvent();
  read.context().Cancel();
  EXPECT_EQ(read.Wait().code(), StatusCode::kCancelled);
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
}

TEST_F(GenerationResolversTest, ParametersOfPromptsArrive) {
  const Json response = client_.Ask(
      "mutation ($input: GenerateInput!) { generate(input: $input) { text finishReason usage { "
      "promptTokens imageTokens totalTokens } model inferenceEngine } }",
      {{"input",
        {{"prompt", "问题"},
         {"images", {EncodeBase64(WhitePage(20, 10))}},
         {"size", "TINY"},
         {"topK", 3},
         {"ngramSize", 7},
         {"windowSize", 70},
         {"stop", {"x", "y"}},
         {"timeoutMs", 60000},
         {"priority", -2},
         {"responseFormat",
          {{"type", "json_schema"},
           {"json_schema", {{"schema", Json::parse(R"({"properties":{"z":{},"a":{}}})")}}}}}}}});
  EXPECT_EQ(response["data"]["generate"]["usage"]["imageTokens"], 6) << response.dump();
  const GenerationRequest request = client_.backend().requests().back();
  EXPECT_THAT(PromptText(request), HasSubstr("问题"));
  EXPECT_EQ(request.image_options.mode, "tiny");
  EXPECT_EQ(request.sampling.top_k, 3);
  EXPECT_EQ(request.sampling.no_repeat_ngram_size, 7);
  EXPECT_EQ(request.sampling.no_repeat_ngram_window, 70);
  EXPECT_EQ(request.sampling.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(request.priority, -2);
  ASSERT_TRUE(request.sampling.constraint.has_value());
  EXPECT_EQ(request.sampling.constraint->text, R"({"properties":{"z":{},"a":{}}})");
  EXPECT_EQ(request.context.operation, "generate");
}

}  // namespace
}  // namespace mao
