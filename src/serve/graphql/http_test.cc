#include "serve/graphql/http.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace mao::graphql {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kResponse = "application/graphql-response+json";

HttpReply Serve(const HttpRequest& request) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  HttpReply answer;
  ServeHttp(*executor, request, NotOwned(context),
            [&](HttpReply reply) { answer = std::move(reply); });
  return answer;
}

HttpReply Post(std::string_view accept, std::string_view body) {
  return Serve({"POST", kJson, accept, "", body});
}

HttpReply Get(std::string_view query_string) { return Serve({"GET", "", "", query_string, ""}); }

std::string TypeOf(const HttpReply& reply) {
  return reply.content_type.substr(0, reply.content_type.find(';'));
}

TEST(HttpTest, AnswersInTheMediaTypeThatIsLikedBest) {
  const std::string_view body = R"({"query": "{ version }"})";
  for (const auto& [accept, type] : {
           std::pair<std::string_view, std::string_view>{"", kJson},
           {"*/*", kJson},
           {"application/*", kJson},
           {kJson, kJson},
           {kResponse, kResponse},
           {"application/graphql-response+json, application/json", kResponse},
           {"application/json, application/graphql-response+json", kJson},
           {"application/json;q=0.4, application/graphql-response+json;q=0.8", kResponse},
           {"text/html, */*;q=0.1", kJson},
           {"application/json;q=0, */*", kResponse},
           {" Application/JSON ; charset=\"utf-8\" ", kJson},
           {"application/graphql-response+json; charset=latin1, application/json;q=0.1", kJson},
       }) {
    const HttpReply reply = Post(accept, body);
    EXPECT_EQ(reply.status, 200) << accept;
    EXPECT_EQ(TypeOf(reply), type) << accept;
    EXPECT_EQ(reply.body, R"({"data":{"version":"1.0"}})");
  }
  for (const char* accept : {"text/html", "application/json;q=0", "application/json;q=x", ",",
                             "application/json; charset=utf-16"}) {
    EXPECT_EQ(Post(accept, body).status, 406) << accept;
  }
}

TEST(HttpTest, TheStatusSaysWhetherThereIsData) {
  for (const char* query : {"{", "{ nothing }", "query ($i: Int!) { echo(int: $i) }"}) {
    const std::string body = DumpJson({{"query", query}});
    EXPECT_EQ(Post(kJson, body).status, 200) << query;
    EXPECT_EQ(Post(kResponse, body).status, 400) << query;
  }
  EXPECT_EQ(Post(kResponse, R"({"query": "{ fail }"})").status, 200);
  EXPECT_EQ(Post(kResponse, R"({"query": "{ failStrictly }"})").status, 200);
}

TEST(HttpTest, RefusesWhatIsNoGraphQlRequest) {
  for (const char* body :
       {"", "{", "[]", "{}", R"({"query": 1})", R"({"query": "{a}", "variables": 1})"}) {
    const HttpReply reply = Post(kJson, body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_TRUE(Json::parse(reply.body)["errors"][0].contains("message"));
  }
  EXPECT_EQ(Post(kJson, std::string(100'000, '[')).status, 400);
}

TEST(HttpTest, RefusesOtherContentAndMethods) {
  const std::string_view body = R"({"query": "{ version }"})";
  for (const char* type :
       {"", "text/plain", "application/jsonp", "application/json; charset=latin1",
        "application/x-www-form-urlencoded", "multipart/form-data"}) {
    EXPECT_EQ(Serve({"POST", type, "", "", body}).status, 415) << type;
  }
  EXPECT_EQ(Serve({"POST", "Application/Json;charset=UTF-8", "", "", body}).status, 200);
  const HttpReply reply = Serve({"DELETE", kJson, "", "", body});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.allow, "GET, POST");
}

TEST(HttpTest, ReadsTheQueryString) {
  EXPECT_EQ(Get("query=%7B+version%7d").body, R"({"data":{"version":"1.0"}})");
  EXPECT_EQ(Get("x=1&&query=query+A($i:Int){echo(int:$i)}query+B{version}&operationName=A&"
                "variables=%7B%22i%22:4}&query=no")
                .body,
            R"({"data":{"echo":{"int":4,"withDefault":7,"nullableDefault":"x"}}})");
  EXPECT_EQ(Get("").status, 400);
  EXPECT_EQ(Get("query").status, 200);  // an empty document: an error in a response
  EXPECT_EQ(Get("query={version}&variables=x").status, 400);
  EXPECT_EQ(Get("query={version}&extensions=[]").status, 400);
  EXPECT_EQ(Get("query={version}&variables=").status, 200);
  EXPECT_EQ(Get("query=%7Bversion%7").status, 200);
}

TEST(HttpTest, MutationsAndSubscriptionsNeedOtherWays) {
  const HttpReply reply = Get("query=mutation{count}");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.allow, "POST");
  EXPECT_EQ(Post(kJson, R"({"query": "mutation { count }"})").status, 200);
  EXPECT_EQ(Post(kJson, R"({"query": "subscription { ticks(to: 1) { number } }"})").status, 400);
}

}  // namespace
}  // namespace mao::graphql
