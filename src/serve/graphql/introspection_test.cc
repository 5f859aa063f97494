#include "serve/graphql/introspection.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace mao::graphql {
namespace {

Json Ask(const std::string& query) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  Request request;
  request.query = query;
  Json response = ExecuteNow(*executor, executor->Prepare(request), context);
  EXPECT_FALSE(response.contains("errors")) << DumpJson(response);
  return response["data"];
}

TEST(IntrospectionTest, DescribesTheSchema) {
  const Json schema = Ask(
      "{ __schema { description queryType { name } mutationType { name } subscriptionType { kind } "
      "types { name } directives { name } } }")["__schema"];
  EXPECT_EQ(schema["queryType"]["name"], "Query");
  EXPECT_EQ(schema["mutationType"]["name"], "Mutation");
  EXPECT_EQ(schema["subscriptionType"]["kind"], "OBJECT");
  EXPECT_EQ(schema["description"],
            "Reads pages.\n\nThere is more than one paragraph here, and a \"quote\".");
  std::vector<std::string> names;
  for (const Json& type : schema["types"]) names.push_back(type["name"]);
  for (const char* expected :
       {"JSON", "Mode", "Element", "Query", "Int", "Float", "__Type", "__DirectiveLocation"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), expected), names.end()) << expected;
  }
  EXPECT_EQ(schema["directives"].size(), 5u);
}

TEST(IntrospectionTest, DescribesTypesAndWhatIsAroundThem) {
  const Json type = Ask(
      R"({ __type(name: "Query") { fields { name type { kind name ofType { kind ofType { kind ofType {
                          kind name ofType { kind } } } } } } } })")["__type"];
  for (const Json& field : type["fields"]) {
    if (field["name"] != "pages") continue;
    EXPECT_EQ(
        DumpJson(field["type"]),
        R"({"kind":"NON_NULL","name":null,"ofType":{"kind":"LIST","ofType":{"kind":"NON_NULL",)"
        R"("ofType":{"kind":"OBJECT","name":"Page","ofType":null}}}})");
    return;
  }
  FAIL() << "no field pages";
}

TEST(IntrospectionTest, HidesWhatIsDeprecatedUnlessAsked) {
  const Json mode = Ask(R"({ __type(name: "Mode") { shown: enumValues { name }
                             null: enumValues(includeDeprecated: null) { name }
                             all: enumValues(includeDeprecated: true) { name deprecationReason } } })")
      ["__type"];
  EXPECT_EQ(mode["shown"].size(), 2u);
  EXPECT_EQ(mode["null"].size(), 2u);
  EXPECT_EQ(mode["all"][1]["deprecationReason"], "Use MARKDOWN.");
}

TEST(IntrospectionTest, PrintsDefaultsAsLiterals) {
  const Json input =
      Ask(R"({ __type(name: "PageInput") { inputFields { name defaultValue } } })")["__type"]
                                                                                   ["inputFields"];
  EXPECT_EQ(input[1]["defaultValue"], "MARKDOWN");
  EXPECT_EQ(input[2]["defaultValue"], "[{x1: 0, y1: 0, x2: 10, y2: 20}]");
  EXPECT_EQ(input[0]["defaultValue"], Json());
  const Json query =
      Ask(R"({ __type(name: "Query") { fields { name args { name defaultValue } } } })")["__type"]
                                                                                        ["fields"];
  EXPECT_EQ(query[5]["args"].back()["defaultValue"], "\"x\"");
}

TEST(IntrospectionTest, KnowsWhatItDoesNotKnow) {
  EXPECT_EQ(Ask(R"({ __type(name: "Nothing") { name } })")["__type"], Json());
  EXPECT_EQ(
      Ask(R"({ __type(name: "Box") { inputFields { name } enumValues { name } possibleTypes { name }
                     specifiedByURL ofType { name } interfaces { name } } })")["__type"],
      Json::parse(
          R"({"inputFields": null, "enumValues": null, "possibleTypes": null, "specifiedByURL": null,
                            "ofType": null, "interfaces": []})"));
}

}  // namespace
}  // namespace mao::graphql
