#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/graphql/ws_session.h"
#include "serve/graphql_api/graphql_client_for_test.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class JobResolversTest : public testing::Test {
 protected:
  std::string Submit(const std::string& key = "", const Json& more = Json::object()) {
    const Json response =
        client_.Ask("mutation ($page: OcrInput!) { submitJob(ocr: $page) { id } }", PageInput(more),
                    GraphQlClient::MakeContext(key));
    return response["data"]["submitJob"].value("id", response.dump());
  }
  // As a worker would.
  void Succeed(const std::string& result) {
    const auto job = client_.store().jobs().ClaimNext(0);
    ASSERT_TRUE(job.ok() && job->has_value());
    EXPECT_TRUE(client_.store().jobs().Succeed((*job)->claim, result).ok());
  }

  GraphQlClient client_;
};

TEST_F(JobResolversTest, TheRequestIsThatOfRest) {
  Submit("", {{"mode", "FIND_REF"}, {"findTerm", "总计"}, {"bypassCache", true}});
  const auto job = client_.store().jobs().ClaimNext(0);
  ASSERT_TRUE(job.ok() && job->has_value());
  const auto request = client_.store().jobs().RequestOf((*job)->claim);
  ASSERT_TRUE(request.ok());
  EXPECT_THAT(*request, HasSubstr(R"("path":"/api/ocr")"));
  EXPECT_THAT(*request, HasSubstr("no-cache"));
  const auto body =
      client_.store().blobs().Map((*job)->inputs[0].sha256, (*job)->inputs[0].size_bytes);
  ASSERT_TRUE(body.ok());
  const std::string text(reinterpret_cast<const char*>(body->bytes().data()), body->bytes().size());
  EXPECT_THAT(text, HasSubstr(R"("find_term":"总计")"));
  EXPECT_THAT(text, HasSubstr(R"("mode":"find_ref")"));
}

TEST_F(JobResolversTest, ResultsComeWithAndWithoutTheirTypes) {
  const std::string id = Submit();
  const std::string query =
      "{ job(id: \"" + id + "\") { status result ocrResult { rawText metadata { mode size } } } }";
  EXPECT_EQ(client_.Ask(query)["data"].dump(),
            R"({"job":{"status":"QUEUED","result":null,"ocrResult":null}})");
  Succeed(R"({"text":"t","raw_text":"r","metadata":{"mode":"markdown","size":"tiny"}})");
  const Json job = client_.Ask(query)["data"]["job"];
  EXPECT_EQ(job["status"], "SUCCEEDED");
  EXPECT_EQ(job["result"]["raw_text"], "r");
  EXPECT_EQ(job["ocrResult"].dump(),
            R"({"rawText":"r","metadata":{"mode":"MARKDOWN","size":"TINY"}})");
}

TEST_F(JobResolversTest, ResultsMayBeDocuments) {
  const std::string id = Submit("", {{"pages", "1-"}, {"pagePictures", true}});
  Succeed(R"({"text":"t","raw_text":"r","pages":[{"page":2,"text":"a","raw_text":"a","boxes":[],)"
          R"("image_dims":{"w":3,"h":4},"metadata":{"mode":"markdown"}},)"
          R"({"page":5,"error":{"message":"m","code":"c"}}],)"
          R"("metadata":{"mode":"markdown","pages_total":9}})");
  const Json job = client_.Ask("{ job(id: \"" + id +
                               "\") { ocrResult { imageDims { w } pages { page result { text } "
                               "error { code } } metadata { pagesTotal } } } }")["data"]["job"];
  EXPECT_EQ(job["ocrResult"].dump(),
            R"({"imageDims":null,"pages":[{"page":2,"result":{"text":"a"},"error":null},)"
            R"({"page":5,"result":null,"error":{"code":"c"}}],"metadata":{"pagesTotal":9}})");
}

TEST_F(JobResolversTest, FollowingAJobThatIsNotThere) {
  std::promise<Json> errors;
  graphql::WsOutput output;
  output.fail = [&](const Json& error) { errors.set_value(error); };
  graphql::RunWsOperation(
      *client_.executor(),
      GraphQlClient::MakeRequest("subscription { ...a } fragment a on Subscription { ... { now: "
                                 "job(id: \"job_0\") { status } } }",
                                 Json::object()),
      GraphQlClient::MakeContext(), std::move(output));
  EXPECT_EQ(errors.get_future().get()[0]["extensions"]["code"], "job_not_found");
}

TEST_F(JobResolversTest, ResultsOfARequestAreLimited) {
  const std::string id = Submit();
  Succeed("{\"text\":\"" + std::string(20 << 20, 'x') + "\"}");
  const std::string one = "job(id: \"" + id + "\") { result }";
  EXPECT_FALSE(client_.Ask("{ " + one + " }").contains("errors"));
  const Json two = client_.Ask("{ a: " + one + " b: " + one + " }");
  EXPECT_EQ(two["errors"][0]["extensions"]["code"], "limit_exceeded");
  EXPECT_EQ(two["errors"][0]["path"].dump(), R"(["b","result"])");
}

TEST_F(JobResolversTest, EveryKeyHasItsOwnJobs) {
  const std::string id = Submit("mine");
  const auto count = [this](const std::string& key) {
    return client_
        .Ask("{ jobs { jobs { id } } }", Json::object(),
             GraphQlClient::MakeContext(key))["data"]["jobs"]["jobs"]
        .size();
  };
  EXPECT_EQ(count("mine"), 1u);
  EXPECT_EQ(count("yours"), 0u);
  for (const char* field : {"cancelJob", "deleteJob"}) {
    const std::string selection = std::string(field) == "cancelJob" ? " { id }" : "";
    const Json response =
        client_.Ask("mutation { " + std::string(field) + "(id: \"" + id + "\")" + selection + " }",
                    Json::object(), GraphQlClient::MakeContext("yours"));
    EXPECT_EQ(response["errors"][0]["extensions"].dump(),
              R"({"code":"job_not_found","http":{"status":404}})")
        << response.dump();
  }
}

TEST_F(JobResolversTest, CancelsAndForgets) {
  const std::string id = Submit();
  EXPECT_THAT(client_.Ask("mutation { cancelJob(id: \"" + id + "\") { status } }").dump(),
              HasSubstr("CANCELLED"));
  EXPECT_THAT(client_.Ask("{ jobs(status: CANCELLED) { hasMore jobs { id } } }").dump(),
              HasSubstr(id));
  EXPECT_THAT(client_.Ask("{ jobs(status: QUEUED) { jobs { id } } }").dump(),
              HasSubstr(R"("jobs":[])"));
  EXPECT_EQ(client_.Ask("mutation { deleteJob(id: \"" + id + "\") }")["data"]["deleteJob"], id);
  EXPECT_EQ(client_.Ask("{ job(id: \"" + id + "\") { id } }")["data"]["job"], Json());
}

TEST_F(JobResolversTest, FollowsAJobToItsEnd) {
  const std::string id = Submit();
  std::promise<Status> end;
  std::vector<std::string> states;
  client_.executor()->Subscribe(
      client_.executor()->Prepare(GraphQlClient::MakeRequest(
          "subscription { job(id: \"" + id + "\") { status } }", Json::object())),
      GraphQlClient::MakeContext(),
      {[&](const Json& response) {
         states.push_back(response["data"]["job"]["status"]);
         return true;
       },
       [&](const Status& status) { end.set_value(status); }});
  Succeed("{}");
  EXPECT_TRUE(end.get_future().get().ok());
  EXPECT_EQ(states.front(), "QUEUED");
  EXPECT_EQ(states.back(), "SUCCEEDED");
}

TEST_F(JobResolversTest, ACancelledFollowerEnds) {
  const std::string id = Submit();
  const auto context = GraphQlClient::MakeContext();
  std::promise<Status> end;
  client_.executor()->Subscribe(
      client_.executor()->Prepare(GraphQlClient::MakeRequest(
          "subscription { job(id: \"" + id + "\") { status } }", Json::object())),
      context,
      {[](const Json&) { return true; }, [&](const Status& status) { end.set_value(status); }});
  context->Cancel();
  EXPECT_EQ(end.get_future().get().code(), StatusCode::kCancelled);
}

TEST_F(JobResolversTest, Statistics) {
  client_.store().usage().Add({"", "fake-ocr", "ocr"}, {.requests = 3, .pages = 2});
  EXPECT_EQ(client_
                .Ask("{ stats(group: KIND) { group rows { name begin requests pages } } }")["data"]
                                                                                           ["stats"]
                .dump(),
            R"({"group":"KIND","rows":[{"name":"ocr","begin":null,"requests":3,"pages":2}]})");
  const Json by_day = client_.Ask("{ stats { rows { name begin } } }")["data"]["stats"]["rows"][0];
  EXPECT_EQ(by_day["name"], Json());
  EXPECT_TRUE(by_day["begin"].is_string());
  EXPECT_THAT(client_.Ask("{ stats(days: 401) { group } }").dump(), HasSubstr("expected 1 to 400"));
}

}  // namespace
}  // namespace mao
