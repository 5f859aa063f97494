#include "serve/graphql/executor.h"

#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace mao::graphql {
namespace {

using testing::HasSubstr;

Request MakeRequest(std::string query, const Json& variables = Json()) {
  Request request;
  request.query = std::move(query);
  if (!variables.is_null()) request.variables = std::make_shared<const Json>(variables);
  return request;
}

Json Ask(const Executor& executor, const Request& request, SampleContext& context) {
  return ExecuteNow(executor, executor.Prepare(request), context);
}

Json Ask(std::string query, const Json& variables = Json()) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  return Ask(*executor, MakeRequest(std::move(query), variables), context);
}

// The responses of a subscription, and how it ended.
std::pair<std::vector<Json>, Status> RunSubscription(std::string query,
                                                     size_t max_responses = 100) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  std::vector<Json> responses;
  Status status = SubscribeNow(*executor, executor->Prepare(MakeRequest(std::move(query))), context,
                               [&](const Json& response) {
                                 responses.push_back(response);
                                 return responses.size() < max_responses;
                               });
  return {std::move(responses), std::move(status)};
}

TEST(ExecutorTest, AnswersInTheOrderOfTheQuestion) {
  const Json response = Ask("{ z: version pages(first: 1) { title id __typename } a: version }");
  EXPECT_EQ(
      DumpJson(response),
      R"({"data":{"z":"1.0","pages":[{"title":"Ünïcode 🏃","id":"1","__typename":"Page"}],"a":"1.0"}})");
}

TEST(ExecutorTest, MergesFieldsAndFragments) {
  const Json response = Ask(R"(
    { page(id: 1) { ...A blocks { text } ... on Page { blocks { confidence } } } }
    fragment A on Page { id blocks { box { x1 } } })");
  EXPECT_EQ(
      DumpJson(response),
      R"({"data":{"page":{"id":"1","blocks":[{"box":{"x1":0},"text":"first","confidence":0.5},)"
      R"({"box":null,"text":"second","confidence":1}]}}})");
}

TEST(ExecutorTest, ChoosesByTypeInUnions) {
  const Json response =
      Ask("{ pages(first: 1) { elements { __typename ... on Block { text } ... on Figure { bytes } "
          "} } }");
  EXPECT_EQ(
      DumpJson(response["data"]["pages"][0]["elements"]),
      R"([{"__typename":"Block","text":"in a union"},null,{"__typename":"Figure","bytes":9007199254740991}])");
}

TEST(ExecutorTest, ErrorsHavePathPlaceAndCode) {
  const Json response = Ask("{\n  pages { id\n    second: block(index: 1) { text } }\n}");
  ASSERT_EQ(response["errors"].size(), 1u);
  EXPECT_EQ(
      response["errors"][0],
      Json::parse(R"({"message": "there is no block 1", "locations": [{"line": 3, "column": 5}],
                            "path": ["pages", 1, "second"], "extensions": {"code": "OUT_OF_RANGE"}})"));
  EXPECT_EQ(response["data"]["pages"][0]["second"]["text"], "second");
  EXPECT_EQ(response["data"]["pages"][1]["second"], Json());
  EXPECT_EQ(response.begin().key(), "errors");
}

// Specification 6.4.4.
TEST(ExecutorTest, NullsGoUpToTheNextNullableField) {
  Json response = Ask("{ tree { name child { label } list { label } strictList { label } } }");
  EXPECT_EQ(response["data"]["tree"]["child"], Json());
  EXPECT_EQ(response["data"]["tree"]["list"], Json::parse(R"([{"label": "a"}, null, null])"));
  EXPECT_EQ(response["data"]["tree"]["strictList"], Json());
  ASSERT_EQ(response["errors"].size(), 3u);
  EXPECT_EQ(response["errors"][0]["message"],
            "Cannot return null for non-nullable field Tree.label.");
  EXPECT_EQ(response["errors"][2]["path"], Json::parse(R"(["tree", "strictList", 1])"));
  EXPECT_EQ(Ask("{ version tree { strictStrict { label } } }")["data"]["tree"], Json());
  EXPECT_EQ(Ask("{ version failStrictly }")["data"], Json());
}

TEST(ExecutorTest, RefusesValuesOfOtherTypes) {
  const Json response = Ask("{ tree { child { count ratio flag mode long list { name } } } }");
  std::vector<std::string> messages;
  for (const Json& error : response["errors"]) messages.push_back(error["message"]);
  EXPECT_THAT(messages, testing::ElementsAre(
                            "Int cannot represent non 32-bit signed integer value: 2147483648",
                            "Float cannot represent non numeric value: \"x\"",
                            "Boolean cannot represent a non boolean value: \"yes\"",
                            "Enum \"Mode\" cannot represent value: \"NONE\"",
                            "Long cannot represent value: 0.5",
                            "Expected Iterable, but did not find one for field \"Tree.list\"."));
}

TEST(ExecutorTest, SkipsAndIncludes) {
  EXPECT_EQ(
      DumpJson(Ask("query ($b: Boolean!) { a: version @skip(if: $b) b: version @include(if: $b) "
                   "c: version @skip(if: $b) @include(if: $b) }",
                   {{"b", true}})),
      R"({"data":{"b":"1.0"}})");
}

TEST(ExecutorTest, ReadsVariables) {
  EXPECT_EQ(
      DumpJson(Ask("query ($p: PageInput) { echo(page: $p) }",
                   {{"p", {{"title", "t"}}}})["data"]["echo"]["page"]),
      R"({"title":"t","mode":"MARKDOWN","boxes":[{"x1":0,"y1":0,"x2":10,"y2":20}],"old":false})");
  const Json response = Ask("query ($p: PageInput!, $n: Int!) { echo(page: $p, int: $n) }",
                            {{"p", {{"title", 1}, {"boxes", {{{"x2", "a"}, {"y2", 2}}}}}}});
  EXPECT_FALSE(response.contains("data"));
  std::vector<std::string> messages;
  for (const Json& error : response["errors"]) messages.push_back(error["message"]);
  EXPECT_THAT(messages,
              testing::ElementsAre("Variable \"$p\" got invalid value 1 at \"p.title\"; String "
                                   "cannot represent a non string value: 1",
                                   "Variable \"$p\" got invalid value \"a\" at \"p.boxes[0].x2\"; "
                                   "Int cannot represent non-integer "
                                   "value: \"a\"",
                                   "Variable \"$n\" of required type \"Int!\" was not provided."));
  EXPECT_EQ(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

TEST(ExecutorTest, LimitsVariableErrorsAndTheirLength) {
  Json list = Json::array();
  for (int i = 0; i < 500; ++i) list.push_back(std::string(5000, 'x'));
  const Json response = Ask("query ($l: [Int!]!) { required(value: 1, list: $l) }", {{"l", list}});
  EXPECT_EQ(response["errors"].size(), 50u);
  EXPECT_LT(DumpJson(response).size(), 50u * 1000u);
}

TEST(ExecutorTest, SelectsTheOperation) {
  const auto executor = MakeSampleService();
  const auto message = [&](std::string query, std::optional<std::string> name) {
    Request request = MakeRequest(std::move(query));
    request.operation_name = std::move(name);
    const PreparedRequest prepared = executor->Prepare(request);
    return prepared.ok() ? std::string(prepared.operation->name.text) : prepared.errors[0].message;
  };
  EXPECT_EQ(message("query A { version } query B { version }", "B"), "B");
  EXPECT_EQ(message("query A { version } query B { version }", "C"),
            "Unknown operation named \"C\".");
  EXPECT_EQ(message("query A { version } query B { version }", std::nullopt),
            "Must provide operation name if query contains multiple operations.");
  EXPECT_EQ(message("{ version }", ""), "Unknown operation named \"\".");
}

TEST(ExecutorTest, RefusesOperationsThatTheSchemaHasNot) {
  Resolvers resolvers;
  resolvers.fields["Query.a"] = [](const FieldCall&) -> Result<Json> { return Json(1); };
  const auto executor = Executor::Bind(*Schema::FromSdl("type Query { a: Int }"), resolvers);
  ASSERT_TRUE(executor.ok()) << executor.status().ToString();
  EXPECT_EQ((*executor)->Prepare(MakeRequest("mutation { a }")).errors[0].message,
            "Schema is not configured to execute mutation operation.");
}

TEST(ExecutorTest, RunsMutationsInOrder) {
  EXPECT_EQ(DumpJson(Ask("mutation { a: count b: count fail c: count }")["data"]),
            R"({"a":1,"b":2,"fail":null,"c":3})");
}

// A service whose slow field replies when the test says so.
struct SlowService {
  SlowService() {
    Resolvers resolvers;
    resolvers.fields["Query.a"] = [](const FieldCall&) -> Result<Json> { return Json(0); };
    resolvers.fields["Mutation.quick"] = [](const FieldCall&) -> Result<Json> { return Json(1); };
    for (const char* entry : {"Mutation.slow", "Mutation.strict"}) {
      resolvers.slow_fields[entry] = [this](const FieldCall&, Reply reply) {
        replies.push_back(std::move(reply));
      };
    }
    resolvers.slow_fields["Mutation.throws"] = [](const FieldCall&, const Reply&) {
      throw std::runtime_error("secret");
    };
    executor = *Executor::Bind(
        *Schema::FromSdl("type Query { a: Int } "
                         "type Mutation { quick: Int slow: Int strict: Int! throws: Int }"),
        std::move(resolvers));
  }

  void Ask(const std::string& query) {
    executor->Execute(executor->Prepare(MakeRequest(query)), NotOwned(context),
                      [this](const Json& answer) { response = DumpJson(answer); });
  }

  std::shared_ptr<const Executor> executor;
  SampleContext context;
  std::vector<Reply> replies;
  std::string response;
};

TEST(ExecutorTest, SlowResolversReplyLater) {
  SlowService service;
  service.Ask("mutation { a: quick b: slow c: quick d: slow }");
  ASSERT_EQ(service.replies.size(), 1u) << "the second waits for the first";
  service.replies[0](Json(2));
  service.replies[0](Json(3));  // a second reply counts nothing
  ASSERT_EQ(service.replies.size(), 2u);
  EXPECT_EQ(service.response, "");
  std::thread([&] { service.replies[1](Json(4)); }).join();
  EXPECT_EQ(service.response, R"({"data":{"a":1,"b":2,"c":1,"d":4}})");
}

TEST(ExecutorTest, SlowResolversFail) {
  SlowService service;
  service.Ask("mutation { slow quick }");
  service.replies[0](UnavailableError("busy"));
  EXPECT_THAT(service.response, HasSubstr(R"("data":{"slow":null,"quick":1})"));
  EXPECT_THAT(service.response,
              HasSubstr(R"("path":["slow"],"extensions":{"code":"UNAVAILABLE"})"));
  service.Ask("mutation { quick strict }");
  service.replies[1](NotFoundError("gone"));
  EXPECT_THAT(service.response, HasSubstr(R"("data":null)"));
  service.Ask("mutation { throws quick }");
  EXPECT_THAT(service.response, HasSubstr(R"("data":{"throws":null,"quick":1})"));
  EXPECT_THAT(service.response, HasSubstr("internal error"));
}

TEST(ExecutorTest, NothingFollowsASlowFieldThatWasCancelled) {
  SlowService service;
  service.Ask("mutation { a: slow b: slow }");
  service.context.is_cancelled = true;
  service.replies[0](CancelledError("cancelled"));
  EXPECT_EQ(service.replies.size(), 1u);
  EXPECT_THAT(service.response, HasSubstr(R"("data":null)"));
}

TEST(ExecutorTest, StopsWhenCancelled) {
  const auto executor = MakeSampleService();
  SampleContext context;
  context.is_cancelled = true;
  const Json response = Ask(*executor, MakeRequest("{ a: version b: version }"), context);
  EXPECT_EQ(response["data"], Json());
  ASSERT_EQ(response["errors"].size(), 1u);
  EXPECT_EQ(response["errors"][0]["extensions"]["code"], "CANCELLED");
}

TEST(ExecutorTest, LimitsTheValuesOfAResponse) {
  const auto executor = MakeSampleService({.max_result_values = 10});
  SampleContext context;
  const Json response = Ask(
      *executor, MakeRequest("{ version pages { id title mode blocks { text } } tree { name } }"),
      context);
  EXPECT_EQ(response["data"], Json());
  ASSERT_EQ(response["errors"].size(), 1u);
  EXPECT_EQ(response["errors"][0]["message"], "the response has more than 10 values");
}

Result<std::shared_ptr<const Executor>> BindOne(std::string_view sdl, Resolvers resolvers) {
  return Executor::Bind(*Schema::FromSdl(sdl), std::move(resolvers));
}

TEST(ExecutorTest, LimitsTheErrorsOfAResponse) {
  Resolvers resolvers;
  resolvers.fields["Query.list"] = [](const FieldCall&) -> Result<Json> {
    return Json(std::vector<std::string>(3000, "x"));
  };
  const auto executor = BindOne("type Query { list: [Int] }", resolvers);
  SampleContext context;
  const Json response = Ask(**executor, MakeRequest("{ list }"), context);
  EXPECT_EQ(response["errors"].size(), 1001u);
  EXPECT_EQ(response["errors"].back()["message"], "2000 more errors are not shown.");
  EXPECT_EQ(response["data"]["list"].size(), 3000u);
}

TEST(ExecutorTest, ExceptionsOfResolversBecomeErrors) {
  Resolvers resolvers;
  resolvers.fields["Query.a"] = [](const FieldCall&) -> Result<Json> {
    throw std::runtime_error("secret");
  };
  const auto executor = BindOne("type Query { a: Int }", resolvers);
  SampleContext context;
  const Json response = Ask(**executor, MakeRequest("{ a }"), context);
  EXPECT_EQ(response["errors"][0]["message"], "internal error");
}

TEST(ExecutorTest, StringsThatAreNoUtf8AreRepaired) {
  Resolvers resolvers;
  resolvers.fields["Query.a"] = [](const FieldCall&) -> Result<Json> { return Json("x\xFFy"); };
  const auto executor = BindOne("type Query { a: String }", resolvers);
  SampleContext context;
  EXPECT_EQ(DumpJson(Ask(**executor, MakeRequest("{ a }"), context)),
            "{\"data\":{\"a\":\"x\xEF\xBF\xBDy\"}}");
}

TEST(ExecutorTest, BindChecksTheTableBothWays) {
  const Resolver resolver = [](const FieldCall&) -> Result<Json> { return Json(); };
  const Subscriber subscriber = [](const FieldCall&, const EventSink&) {};
  Resolvers resolvers;
  resolvers.fields = {{"Query.b", resolver},
                      {"A.a", resolver},
                      {"Subscription.s", resolver},
                      {"x", resolver},
                      {"__Type.name", resolver}};
  resolvers.subscriptions = {{"Query.a", subscriber}, {"Subscription.t", subscriber}};
  const SlowResolver slow = [](const FieldCall&, const Reply&) {};
  resolvers.slow_fields = {{"A.slow", slow}, {"Query.b", slow}, {"Query.a", slow}};
  resolvers.fields["Query.a"] = resolver;
  const auto bound = BindOne(
      "type Query { a: Int } type Mutation { m: Int } type Subscription { s: Int }", resolvers);
  ASSERT_FALSE(bound.ok());
  for (const char* complaint :
       {"Query.b is no field of the schema", "A.a is no field of the schema",
        "x is no field of the schema", "__Type.name is no field of the schema",
        "Subscription.s needs a subscriber instead of a resolver",
        "Query.a is no subscription of the schema",
        "Subscription.t is no subscription of the schema", "Query.a has two resolvers",
        "A.slow is no field of the query or mutation root",
        "Query.b is no field of the query or mutation root", "Mutation.m has no resolver",
        "Subscription.s has no subscriber"}) {
    EXPECT_THAT(bound.status().message(), HasSubstr(complaint));
  }
}

TEST(ExecutorTest, BindsFieldsOfOtherTypesToo) {
  Resolvers resolvers;
  resolvers.fields["Query.a"] = [](const FieldCall&) -> Result<Json> { return Json(20); };
  resolvers.fields["A.twice"] = [](const FieldCall& call) -> Result<Json> {
    return Json(call.parent.get<int>() * 2);
  };
  const auto executor = BindOne(
      "schema { query: Query } type Query { a: A } type A { twice: Int other: Int }", resolvers);
  ASSERT_TRUE(executor.ok()) << executor.status().ToString();
  SampleContext context;
  // The parent need not be an object if all fields have resolvers; others are null then.
  EXPECT_EQ(DumpJson(Ask(**executor, MakeRequest("{ a { twice other } }"), context)),
            R"({"data":{"a":{"twice":40,"other":null}}})");
}

TEST(ExecutorTest, SubscriptionsDeliverEachEvent) {
  const auto [responses, status] =
      RunSubscription("subscription { t: ticks(to: 2) { number strict } }");
  EXPECT_TRUE(status.ok());
  ASSERT_EQ(responses.size(), 2u);
  EXPECT_EQ(DumpJson(responses[0]), R"({"data":{"t":{"number":1,"strict":"odd"}}})");
  EXPECT_EQ(responses[1]["data"]["t"], Json());
  EXPECT_EQ(responses[1]["errors"].size(), 1u);
}

TEST(ExecutorTest, SubscriptionsEnd) {
  EXPECT_EQ(RunSubscription("subscription { ticks(to: 50) { number } }", 3).first.size(), 3u);
  const auto [responses, status] =
      RunSubscription("subscription { ticks(to: 5, failAt: 3) { number } }");
  EXPECT_EQ(responses.size(), 2u);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(
      RunSubscription("subscription { ticks(to: 1) @skip(if: true) { number } }").first.empty());
}

TEST(ExecutorTest, OtherOperationsDeliverOnce) {
  EXPECT_EQ(DumpJson(RunSubscription("{ version }").first.at(0)), R"({"data":{"version":"1.0"}})");
  EXPECT_TRUE(RunSubscription("{ nothing }").first.at(0).contains("errors"));
  EXPECT_THAT(DumpJson(Ask("subscription { ticks(to: 1) { number } }")), HasSubstr("WebSocket"));
}

}  // namespace
}  // namespace mao::graphql
