#include "serve/graphql/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao::graphql {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Schema> Read(std::string_view sdl) {
  auto schema = Schema::FromSdl(sdl);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return schema.ok() ? *schema : nullptr;
}

std::string Refusal(std::string_view sdl) {
  const auto schema = Schema::FromSdl(sdl);
  return schema.ok() ? "accepted" : schema.status().message();
}

TEST(SchemaTest, KnowsWhatTheSdlSays) {
  const auto schema = Read(R"(
    "All." schema { query: Root }
    "A root." type Root { "Pages." pages(first: Int! = 10, in: In = {}): [Page!]! @deprecated }
    type Page { id: ID! }
    union Any = Root | Page
    enum Mode { A B @deprecated(reason: "old") }
    input In { mode: Mode = A, list: [Int!] = 1, in: In, long: Long! = 5 }
    scalar Long @specifiedBy(url: "u"))");
  ASSERT_NE(schema, nullptr);
  EXPECT_EQ(schema->description(), "All.");
  const NamedType& root = *schema->RootType(OperationType::kQuery);
  EXPECT_EQ(root.name, "Root");
  EXPECT_EQ(root.description, "A root.");
  EXPECT_EQ(schema->RootType(OperationType::kMutation), nullptr);
  const Field& pages = *root.FindField("pages");
  EXPECT_EQ(pages.type.Text(), "[Page!]!");
  EXPECT_EQ(pages.deprecation_reason, "No longer supported");
  EXPECT_EQ(*pages.FindArgument("first")->default_value, 10);
  // The defaults of an input object are part of a default of its type.
  EXPECT_EQ(*pages.FindArgument("in")->default_value,
            (Json{{"mode", "A"}, {"list", {1}}, {"long", 5}}));
  EXPECT_FALSE(pages.FindArgument("first")->IsRequired());
  EXPECT_TRUE(schema->FindType("Any")->CanBe(&root));
  EXPECT_EQ(schema->FindType("Mode")->FindValue("B")->deprecation_reason, "old");
  EXPECT_EQ(schema->FindType("Long")->specified_by_url, "u");
  EXPECT_EQ(schema->FindField(root, "__schema")->type.Text(), "__Schema!");
  EXPECT_EQ(schema->FindField(*schema->FindType("Page"), "__schema"), nullptr);
  EXPECT_EQ(schema->FindField(*schema->FindType("Any"), "__typename")->type.Text(), "String!");
}

// Specification 3.5: built-in scalars that are not used are no part of a schema.
TEST(SchemaTest, HasOnlyTheScalarsInUse) {
  const auto schema = Read("type Query { a: Int }");
  EXPECT_NE(schema->FindType("Int"), nullptr);
  EXPECT_NE(schema->FindType("String"), nullptr);  // introspection uses it
  EXPECT_EQ(schema->FindType("Float"), nullptr);
  EXPECT_EQ(schema->FindType("ID"), nullptr);
}

TEST(SchemaTest, TakesCodecsForOtherScalars) {
  EXPECT_THAT(Refusal("scalar Date type Query { a: Date }"), HasSubstr("no codec for scalar"));
  const auto identity = [](const Json& json) -> Result<Json> { return json; };
  EXPECT_TRUE(Schema::FromSdl("scalar Date type Query { a: Date }",
                              {{"Date", {identity, identity, nullptr}}})
                  .ok());
}

TEST(SchemaTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Refusal("type Query {\n  a: Nothing\n}"), "schema:2:6: there is no type \"Nothing\"");
  EXPECT_THAT(Refusal("type Query { a }"), HasSubstr("schema:1:16: Syntax Error"));
  EXPECT_THAT(Refusal("type A { a: Int }"), HasSubstr("no query root"));
  EXPECT_THAT(Refusal("{ a }"), HasSubstr("operations are no part"));
  EXPECT_THAT(Refusal("fragment A on B { c }"), HasSubstr("fragments are no part"));
  EXPECT_THAT(Refusal("type Query { a: Int } extend type Query { b: Int }"),
              HasSubstr("extensions"));
  EXPECT_THAT(Refusal("interface A { a: Int }"), HasSubstr("interfaces are not supported"));
  EXPECT_THAT(Refusal("type Query implements A { a: Int }"), HasSubstr("interfaces"));
  EXPECT_THAT(Refusal("type Query { a: Int } type Query { b: Int }"),
              HasSubstr("more than one type"));
  EXPECT_THAT(Refusal("scalar Int type Query { a: Int }"), HasSubstr("more than one type"));
  EXPECT_THAT(Refusal("type Query { a: Int a: Int }"), HasSubstr("more than one field"));
  EXPECT_THAT(Refusal("type Query { a(b: Int, b: Int): Int }"),
              HasSubstr("more than one argument"));
  EXPECT_THAT(Refusal("enum E { A A } type Query { a: E }"), HasSubstr("more than one value"));
  EXPECT_THAT(Refusal("type Query"), HasSubstr("has no fields"));
  EXPECT_THAT(Refusal("union U type Query { a: U }"), HasSubstr("has no members"));
  EXPECT_THAT(Refusal("enum E type Query { a: E }"), HasSubstr("has no values"));
  EXPECT_THAT(Refusal("input I type Query { a(i: I): Int }"), HasSubstr("has no fields"));
  EXPECT_THAT(Refusal("union U = Int type Query { a: U b: Int }"), HasSubstr("no object type"));
  EXPECT_THAT(Refusal("union U = Query | Query type Query { a: U }"), HasSubstr("a member twice"));
  EXPECT_THAT(Refusal("type __A { a: Int } type Query { a: Int }"), HasSubstr("reserved"));
  EXPECT_THAT(Refusal("type Query { __a: Int }"), HasSubstr("reserved"));
  EXPECT_THAT(Refusal("input I { a: Int } type Query { a: I }"), HasSubstr("no output type"));
  EXPECT_THAT(Refusal("type Query { a(b: Query): Int }"), HasSubstr("no input type"));
  EXPECT_THAT(Refusal("type Query { a(b: Int = \"x\"): Int }"),
              HasSubstr("the default of \"b\", \"x\", is no Int"));
  EXPECT_THAT(Refusal("input I { i: I! } type Query { a(b: I): Int }"),
              HasSubstr("requires itself"));
  EXPECT_THAT(Refusal("input I { j: J! } input J { i: I! } type Query { a(b: I): Int }"),
              HasSubstr("requires itself"));
  EXPECT_THAT(Refusal("input I { i: I = {} } type Query { a(b: I): Int }"),
              HasSubstr("contains itself"));
  EXPECT_THAT(Refusal("type Query { a(b: Int! @deprecated): Int }"),
              HasSubstr("cannot be deprecated"));
  EXPECT_THAT(Refusal("type Query @a { a: Int }"), HasSubstr("means nothing here"));
  EXPECT_THAT(Refusal("type Query { a: Int @deprecated(why: \"x\") }"),
              HasSubstr("takes one string, \"reason\""));
  EXPECT_THAT(Refusal("scalar Long @specifiedBy type Query { a: Long }"),
              HasSubstr("takes one string, \"url\""));
  EXPECT_THAT(Refusal("schema { query: A query: A } type A { a: Int }"), HasSubstr("second root"));
  EXPECT_THAT(Refusal("schema { query: A mutation: A } type A { a: Int }"),
              HasSubstr("a root twice"));
  EXPECT_THAT(Refusal("schema { query: B } type A { a: Int }"), HasSubstr("no type \"B\""));
  EXPECT_THAT(Refusal("schema { query: E } enum E { A }"), HasSubstr("is no object type"));
  EXPECT_THAT(Refusal("schema { query: A } schema { query: A } type A { a: Int }"),
              HasSubstr("more than one schema"));
  EXPECT_THAT(Refusal("directive @skip on FIELD type Query { a: Int }"),
              HasSubstr("more than one directive"));
}

TEST(SchemaTest, AcceptsWhatMayContainItself) {
  Read(
      "input I { i: I j: [I!]! = [] k: I = null l: J = {} } input J { i: I } type Query { a(i: I): "
      "Query }");
  EXPECT_THAT(Refusal("input I { j: J = {i: {}} } input J { i: I } type Query { a(i: I): Int }"),
              HasSubstr("contains itself"));
}

}  // namespace
}  // namespace mao::graphql
