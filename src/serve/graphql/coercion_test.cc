#include "serve/graphql/coercion.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace mao::graphql {
namespace {

Json Ask(const std::string& query, const Json& variables = Json::object()) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  Request request;
  request.query = query;
  request.variables = std::make_shared<const Json>(variables);
  return ExecuteNow(*executor, executor->Prepare(request), context);
}

// What a resolver gets for `name: literal`, or the first error.
std::string Argument(const std::string& name, const std::string& literal) {
  const Json response = Ask("{ echo(" + name + ": " + literal + ") }");
  if (response.contains("errors")) return response["errors"][0]["message"];
  return DumpJson(response["data"]["echo"][name]);
}

// The same for a variable of that type.
std::string Variable(const std::string& name, const std::string& type, const Json& value) {
  const Json response = Ask("query ($v: " + type + ") { echo(" + name + ": $v) }", {{"v", value}});
  if (response.contains("errors")) return response["errors"][0]["message"];
  return DumpJson(response["data"]["echo"][name]);
}

TEST(CoercionTest, Literals) {
  EXPECT_EQ(Argument("int", "-5"), "-5");
  EXPECT_EQ(Argument("float", "2"), "2.0");
  EXPECT_EQ(Argument("float", "1e999"), "Float cannot represent non numeric value: 1e999");
  EXPECT_EQ(Argument("string", "5"), "String cannot represent a non string value: 5");
  EXPECT_EQ(Argument("boolean", "1"), "Boolean cannot represent a non boolean value: 1");
  EXPECT_EQ(Argument("id", "12345678901234567890"), "\"12345678901234567890\"");
  EXPECT_EQ(Argument("id", "1.5"), "ID cannot represent a non-string and non-integer value: 1.5");
  EXPECT_EQ(Argument("int", "2147483648"),
            "Int cannot represent non 32-bit signed integer value: 2147483648");
  EXPECT_EQ(Argument("mode", "LAYOUT"), "\"LAYOUT\"");
  EXPECT_EQ(
      Argument("mode", "\"LAYOUT\""),
      "Enum \"Mode\" cannot represent non-enum value: \"LAYOUT\". Did you mean the enum value "
      "\"LAYOUT\"?");
}

TEST(CoercionTest, LiteralsOfCustomScalars) {
  EXPECT_EQ(Argument("json", "{a: [1, 1.5, \"s\", E, true, null], b: {}}"),
            R"({"a":[1,1.5,"s","E",true,null],"b":{}})");
  EXPECT_EQ(Argument("long", "123456789012"), "123456789012");
  EXPECT_EQ(Argument("long", "1.5"),
            "Expected value of type \"Long\", found 1.5; Long cannot represent value: 1.5");
  EXPECT_EQ(Argument("base64", "\"a\""),
            "Expected value of type \"Base64\", found \"a\"; Base64 cannot represent value: \"a\"");
}

TEST(CoercionTest, OneValueStandsForAListOfOne) {
  EXPECT_EQ(Argument("ints", "3"), "[3]");
  EXPECT_EQ(Argument("ints", "[1, null]"), "[1,null]");
  EXPECT_EQ(Argument("ints", "null"), "null");
  EXPECT_EQ(Argument("matrix", "3"), "[[3]]");
  EXPECT_EQ(Argument("matrix", "[1, [2]]"), "[[1],[2]]");
  EXPECT_EQ(Variable("ints", "[Int]", 3), "[3]");
  EXPECT_EQ(Variable("matrix", "[[Int!]!]", 3), "[[3]]");
  EXPECT_EQ(Argument("int", "[1]"), "Int cannot represent non-integer value: [1]");
}

TEST(CoercionTest, ObjectsGetTheirDefaults) {
  EXPECT_EQ(Argument("page", "{title: \"t\", boxes: {x2: 1, y2: 2}, mode: null}"),
            R"({"title":"t","mode":null,"boxes":[{"x1":0,"y1":0,"x2":1,"y2":2}],"old":false})");
  EXPECT_EQ(Argument("page", "7"), "Expected value of type \"PageInput\", found 7.");
  EXPECT_EQ(Argument("page", "{}"),
            "Field \"PageInput.title\" of required type \"String!\" was not provided.");
}

TEST(CoercionTest, VariablesInsideLiterals) {
  const std::string query =
      "query ($i: Int, $s: String! = \"t\", $j: JSON) { echo(ints: [1, $i], "
      "page: {title: $s, boxes: [{x1: 1, x2: 2, y2: 3}], size: 4, extra: $j}, json: {a: $i, b: "
      "[$i]}) }";
  EXPECT_EQ(DumpJson(Ask(query, {{"i", 9}, {"s", "u"}, {"j", {{"x", 1}}}})["data"]["echo"]["json"]),
            R"({"a":9,"b":[9]})");
  const Json absent = Ask(query)["data"]["echo"];
  EXPECT_EQ(DumpJson(absent["ints"]), "[1,null]");
  EXPECT_EQ(DumpJson(absent["json"]), R"({"b":[null]})");
  EXPECT_EQ(absent["page"]["title"], "t");
  EXPECT_FALSE(absent["page"].contains("extra"));
}

TEST(CoercionTest, Variables) {
  EXPECT_EQ(Variable("mode", "Mode", "PLAIN"), "\"PLAIN\"");
  EXPECT_EQ(Variable("mode", "Mode", "PLAN"),
            "Variable \"$v\" got invalid value \"PLAN\"; Value \"PLAN\" does not exist in \"Mode\" "
            "enum. Did you mean the enum value \"PLAIN\"?");
  EXPECT_EQ(
      Variable("mode", "Mode", 1),
      "Variable \"$v\" got invalid value 1; Enum \"Mode\" cannot represent non-string value: 1.");
  EXPECT_EQ(Variable("long", "Long", 0.5),
            "Variable \"$v\" got invalid value 0.5; Expected type \"Long\". Long cannot represent "
            "value: 0.5");
  EXPECT_EQ(Variable("ints", "[Int]!", Json()),
            "Variable \"$v\" of non-null type \"[Int]!\" must not be null.");
  EXPECT_EQ(Variable("matrix", "[[Int!]!]", {{1}, Json()}),
            "Variable \"$v\" got invalid value null at \"v[1]\"; Expected non-nullable type "
            "\"[Int!]!\" not to be null.");
  EXPECT_EQ(
      Variable("page", "PageInput", "x"),
      "Variable \"$v\" got invalid value \"x\"; Expected type \"PageInput\" to be an object.");
  EXPECT_EQ(
      Variable("page", "PageInput", Json::object()),
      "Variable \"$v\" got invalid value {}; Field \"title\" of required type \"String!\" was "
      "not provided.");
  EXPECT_EQ(Variable("page", "PageInput", {{"title", "t"}, {"titel", 1}}),
            "Variable \"$v\" got invalid value { title: \"t\", titel: 1 }; Field \"titel\" is not "
            "defined by type \"PageInput\". Did you mean \"title\" or "
            "\"size\"?");
}

// A variable that may be absent or null, at a place that has a default or wants a value.
TEST(CoercionTest, ArgumentsFromAbsentAndNullVariables) {
  const std::string query = "query ($i: Int) { echo(withDefault: $i, nullableDefault: \"y\") }";
  EXPECT_EQ(DumpJson(Ask(query)["data"]["echo"]), R"({"withDefault":7,"nullableDefault":"y"})");
  const Json null = Ask(query, {{"i", nullptr}});
  EXPECT_EQ(null["data"]["echo"], Json());
  EXPECT_EQ(null["errors"][0]["message"],
            "Argument \"withDefault\" of non-null type \"Int!\" must not be null.");
  EXPECT_EQ(null["errors"][0]["path"], Json({"echo"}));
  EXPECT_EQ(null["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
  const Json inside =
      Ask("query ($i: Int = 1) { required(value: 1, list: [$i]) }", {{"i", nullptr}});
  EXPECT_EQ(inside["errors"][0]["message"], "Argument \"list\" has invalid value [$i].");
}

TEST(CoercionTest, DirectivesWithoutAValueAreErrors) {
  const std::string with_default = "query ($b: Boolean = true) ";
  const Json root = Ask(with_default + "{ version @include(if: $b) }", {{"b", nullptr}});
  EXPECT_EQ(root["data"], Json());
  EXPECT_EQ(root["errors"][0]["message"],
            "Argument \"if\" of non-null type \"Boolean!\" must not be null.");
  const Json inner =
      Ask(with_default + "{ version page(id: 1) { id @skip(if: $b) } }", {{"b", nullptr}});
  EXPECT_EQ(DumpJson(inner["data"]), R"({"version":"1.0","page":null})");
}

}  // namespace
}  // namespace mao::graphql
