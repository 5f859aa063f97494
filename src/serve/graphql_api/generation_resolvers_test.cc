#include <condition_variable>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/graphql_api/graphql_client_for_test.h"
#include "vision/pdf/pdf_writer_for_test.h"

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

// A PDF as an OcrInput, with a page in it that cannot be read.
Json DocumentInput(const Json& more = Json::object()) {
  const std::string pages[] = {"/MediaBox[0 0 72 36]", "/MediaBox[0 0 72000000 72000000]",
                               "/MediaBox[0 0 36 72]"};
  Json input = {{"image", EncodeBase64(PdfOfPages(pages))}, {"mode", "PLAIN_OCR"}};
  input.update(more);
  return {{"page", input}};
}

constexpr const char* kPageSplit = "\n\n<--- Page Split --->\n";

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
  EXPECT_EQ(client_.Ask(kOcr, PageInput({{"model", "没有"}}))["errors"][0]["extensions"]["code"],
            "model_not_found");
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
  client_.backend().AnswerTo("", "an answer, which is held after its first piece");
  client_.backend().Hold();
  std::future<Json> first = client_.Begin(kOcr, PageInput());
  std::future<Json> second = client_.Begin(kOcr, PageInput({{"size", "TINY"}}));
  EXPECT_EQ(first.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  client_.backend().Release();
  EXPECT_TRUE(first.get().contains("data"));
  EXPECT_TRUE(second.get().contains("data"));
}

TEST_F(GenerationResolversTest, CancellingEndsTheCallAndWhatFollows) {
  client_.backend().AnswerTo("", "an answer, which is held after its first piece");
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

TEST_F(GenerationResolversTest, ADocumentHasPages) {
  client_.backend().AnswerTo("", "一页");
  const std::string query =
      "mutation ($page: OcrInput!) { ocr(input: $page) { text rawText boxes { label } figures { "
      "path } imageDims { w } pages { page error { code message } result { text imageDims { w h } "
      "pagePicture pages { page } metadata { requestId } } } metadata { mode size finishReason "
      "grounding generations tokens { prompt } timingsMs { total } model fromCache requestId "
      "missing pagesTotal pagesRead pagesFailed dpi } } }";
  const Json ocr = client_.Ask(query, DocumentInput())["data"]["ocr"];
  EXPECT_EQ(ocr["text"], "一页" + std::string(kPageSplit) + kPageSplit + "一页" + kPageSplit);
  EXPECT_EQ(ocr["rawText"], ocr["text"]);
  EXPECT_EQ(ocr["boxes"], Json::array());
  EXPECT_EQ(ocr["imageDims"], Json());
  ASSERT_EQ(ocr["pages"].size(), 3U) << ocr;
  EXPECT_EQ(ocr["pages"][1]["result"], Json());
  EXPECT_EQ(ocr["pages"][1]["error"]["code"], "limit_exceeded");
  EXPECT_EQ(ocr["pages"][2]["page"], 3);
  EXPECT_EQ(ocr["pages"][2]["error"], Json());
  EXPECT_EQ(ocr["pages"][2]["result"].dump(),
            R"({"text":"一页","imageDims":{"w":72,"h":144},"pagePicture":null,"pages":null,)"
            R"("metadata":{"requestId":"r1"}})");
  EXPECT_EQ(ocr["metadata"].dump(),
            R"({"mode":"PLAIN_OCR","size":null,"finishReason":null,"grounding":false,)"
            R"("generations":2,"tokens":{"prompt":20},"timingsMs":{"total":null},)"
            R"("model":"fake-ocr","fromCache":false,"requestId":"r1","missing":[],)"
            R"("pagesTotal":3,"pagesRead":2,"pagesFailed":1,"dpi":null})");

  const Json chosen = client_.Ask(
      query, DocumentInput({{"pages", "3"}, {"dpi", 72}, {"pagePictures", true}}))["data"]["ocr"];
  ASSERT_EQ(chosen["pages"].size(), 1U) << chosen;
  EXPECT_EQ(chosen["metadata"]["dpi"], 72);
  EXPECT_EQ(chosen["pages"][0]["result"]["imageDims"].dump(), R"({"w":36,"h":72})");
  EXPECT_THAT(chosen["pages"][0]["result"]["pagePicture"].get<std::string>(),
              testing::StartsWith("data:image/jpeg;base64,"));
  EXPECT_THAT(client_.Ask(query, DocumentInput({{"pages", "4"}})).dump(),
              HasSubstr("no page 4; the document has 3"));
}

TEST_F(GenerationResolversTest, KnownPagesOfADocument) {
  const std::string query =
      "mutation ($page: OcrInput!) { ocr(input: $page) { metadata { fromCache } pages { result { "
      "metadata { fromCache } } } } }";
  client_.Ask(query, DocumentInput({{"pages", "1"}}));
  const auto is_cached = [&](const char* pages) {
    return client_.Ask(query,
                       DocumentInput({{"pages", pages}}))["data"]["ocr"]["metadata"]["fromCache"];
  };
  EXPECT_EQ(is_cached("1"), true);
  EXPECT_EQ(is_cached("1,3"), false);
}

TEST_F(GenerationResolversTest, SubscriptionsSendADocumentPageByPage) {
  client_.backend().AnswerTo("", "一二三四五六七八九十");
  Subscription read(client_,
                    "subscription ($page: OcrInput!) { ocr(input: $page) { text page progress { "
                    "pagesDone pagesTotal } pageResult { page error { code } result { text } } "
                    "result { pages { page } } } }",
                    DocumentInput());
  EXPECT_TRUE(read.Wait().ok());
  std::vector<std::string> events;
  std::string text;
  int num_done = -1;
  for (const Json& response : read.events()) {
    const Json& event = response["data"]["ocr"];
    if (!event["progress"].is_null()) {
      EXPECT_EQ(event["progress"]["pagesDone"], ++num_done);
      EXPECT_EQ(event["progress"]["pagesTotal"], 3);
    } else if (!event["text"].is_null()) {
      text += event["text"].get<std::string>();
      const std::string name = "text of " + event["page"].dump();
      if (events.empty() || events.back() != name) events.push_back(name);
    } else {
      events.push_back((event["result"].is_null() ? event["pageResult"] : event["result"]).dump());
    }
  }
  EXPECT_EQ(num_done, 3);
  EXPECT_EQ(text, "一二三四五六七八九十一二三四五六七八九十");
  EXPECT_THAT(
      events,
      testing::ElementsAre(
          "text of 1", R"({"page":1,"error":null,"result":{"text":"一二三四五六七八九十"}})",
          R"({"page":2,"error":{"code":"limit_exceeded"},"result":null})", "text of 3",
          R"({"page":3,"error":null,"result":{"text":"一二三四五六七八九十"}})",
          R"({"pages":[{"page":1},{"page":2},{"page":3}]})"));
}

TEST_F(GenerationResolversTest, ADocumentEndsWhenCancelled) {
  client_.backend().AnswerTo("", "a long answer in pieces");
  client_.backend().Hold();
  Subscription read(client_, "subscription ($page: OcrInput!) { ocr(input: $page) { text } }",
                    DocumentInput());
  read.WaitForEvent();
  read.context().Cancel();
  EXPECT_EQ(read.Wait().code(), StatusCode::kCancelled);
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
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
