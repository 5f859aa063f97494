#include "serve/graphql/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao::graphql {
namespace {

using testing::HasSubstr;

TEST(RequestTest, ReadsJsonInOrder) {
  const char* const text = R"({"b":[1,-2,2.5,true,null,"s"],"a":{"z":{},"y":[]}})";
  const auto json = ParseJson(text, {}, "the body");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->dump(), text);
  EXPECT_EQ(*ParseJson(R"({"a":1,"a":2})", {}, "x"), (Json{{"a", 2}}));
  EXPECT_EQ(*ParseJson("7", {}, "x"), 7);
}

TEST(RequestTest, RefusesWhatIsNoJson) {
  for (const char* bad : {"", "{", "{\"a\":}", "[1,]", "{} {}", "nul", "\"\xFF\"", "01"}) {
    const auto json = ParseJson(bad, {}, "the body");
    ASSERT_FALSE(json.ok()) << bad;
    EXPECT_EQ(json.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(json.status().message(), "the body is not valid JSON");
  }
}

TEST(RequestTest, LimitsJson) {
  const Limits limits = {.max_json_depth = 3, .max_json_members = 4};
  EXPECT_TRUE(ParseJson("[[[1]]]", limits, "x").ok());
  const auto deep = ParseJson("[[[[]]]]", limits, "the body");
  EXPECT_EQ(deep.status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(deep.status().message(), "the body: nested deeper than 3 levels");
  EXPECT_TRUE(ParseJson(R"([{"a":1,"b":2},{"a":1,"b":2}])", limits, "x").ok());
  EXPECT_EQ(ParseJson(R"([{"a":1,"b":2},{"a":1,"b":2,"c":3}])", limits, "x").status().message(),
            "x: more than 4 members in objects");
  EXPECT_EQ(
      ParseJson(R"([{"a":1,"b":2,"c":3}])", {.max_object_members = 2}, "x").status().message(),
      "x: more than 2 members in an object");
  EXPECT_FALSE(ParseJson(std::string(1'000'000, '['), {}, "x").ok());
}

TEST(RequestTest, ReadsRequests) {
  auto request = RequestFromJson(Json::parse(
      R"({"query": "{a}", "operationName": "A", "variables": {"x": 1}, "extensions": {}, "other": 1})"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->query, "{a}");
  EXPECT_EQ(request->operation_name, "A");
  EXPECT_EQ((*request->variables)["x"], 1);
  EXPECT_NE(request->extensions, nullptr);
  request =
      RequestFromJson(Json::parse(R"({"query": "{a}", "operationName": null, "variables": null})"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->operation_name, std::nullopt);
  EXPECT_EQ(request->variables, nullptr);
}

TEST(RequestTest, SaysWhichMemberIsWrong) {
  const auto refusal = [](const char* text) {
    return RequestFromJson(Json::parse(text)).status().message();
  };
  EXPECT_THAT(refusal("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("\"query\" must be a string"));
  EXPECT_THAT(refusal(R"({"query": 1})"), HasSubstr("\"query\" must be a string"));
  EXPECT_THAT(refusal(R"({"query": "", "operationName": 1})"), HasSubstr("\"operationName\""));
  EXPECT_THAT(refusal(R"({"query": "", "variables": []})"), HasSubstr("\"variables\""));
  EXPECT_THAT(refusal(R"({"query": "", "extensions": "x"})"), HasSubstr("\"extensions\""));
}

}  // namespace
}  // namespace mao::graphql
