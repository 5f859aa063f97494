#include "serve/graphql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao::graphql {
namespace {

std::shared_ptr<const Document> Parse(std::string source, const Limits& limits = {}) {
  Error error;
  auto document = ParseDocument(std::move(source), limits, error);
  EXPECT_NE(document, nullptr) << error.message;
  return document;
}

// "line:column message" of a document that is refused.
std::string Refusal(std::string source, const Limits& limits = {}) {
  Error error;
  if (ParseDocument(std::move(source), limits, error) != nullptr) return "accepted";
  EXPECT_EQ(error.code, kParseFailed);
  if (error.locations.empty()) return error.message;
  return std::to_string(error.locations[0].line) + ":" + std::to_string(error.locations[0].column) +
         " " + error.message;
}

std::string Repeat(std::string_view text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST(ParserTest, ReadsAnOperation) {
  const auto document = Parse(R"(
    query Read($id: ID!, $modes: [[Mode!]]! = [MARKDOWN] @old) @live {
      first: page(id: $id, box: {x: -1, y: [1.5, "s", null, true]}) @skip(if: false) {
        title ...Rest ... on Page { mode } ... @include(if: true) { id }
      }
    }
    fragment Rest on Page @deprecated { blocks { text } })");
  ASSERT_EQ(document->operations.size(), 1u);
  const OperationDefinition& operation = document->operations[0];
  EXPECT_EQ(operation.name.text, "Read");
  EXPECT_EQ(operation.type, OperationType::kQuery);
  EXPECT_EQ(operation.directives[0].name.text, "live");
  ASSERT_EQ(operation.variables.size(), 2u);
  EXPECT_EQ(TypeText("ID", operation.variables[0].type.shape), "ID!");
  EXPECT_EQ(TypeText("Mode", operation.variables[1].type.shape), "[[Mode!]]!");
  EXPECT_EQ(PrintValue(*operation.variables[1].default_value), "[MARKDOWN]");
  const Selection& page = operation.selection_set.selections[0];
  EXPECT_EQ(page.response_key(), "first");
  EXPECT_EQ(page.name.text, "page");
  EXPECT_EQ(PrintValue(page.arguments[0].value), "$id");
  EXPECT_EQ(PrintValue(page.arguments[1].value), R"({x: -1, y: [1.5, "s", null, true]})");
  const auto& inner = page.selection_set.selections;
  ASSERT_EQ(inner.size(), 4u);
  EXPECT_EQ(inner[1].kind, Selection::Kind::kFragmentSpread);
  EXPECT_EQ(inner[2].kind, Selection::Kind::kInlineFragment);
  EXPECT_EQ(inner[2].name.text, "Page");
  EXPECT_EQ(inner[3].name.text, "");
  EXPECT_EQ(document->fragments[0].type_condition.text, "Page");
  const Location at = document->LocationOf(page.offset);
  EXPECT_EQ(at, (Location{3, 7}));
}

TEST(ParserTest, ReadsTypeDefinitions) {
  const auto document = Parse(R"(
    "Roots." schema { query: Q mutation: M }
    """A page.""" type Page implements A & B @x { "Its name." title(max: Int = 3 @y): [String!]! }
    union U = | A | B   enum E { A @deprecated B }   input I { a: Int = 1, b: [I!] }
    directive @d(a: Int) repeatable on | FIELD | QUERY   scalar S @specifiedBy(url: "u")
    interface A { a: Int }   extend type Page { more: Int })");
  const auto& types = document->type_definitions;
  ASSERT_EQ(types.size(), 9u);
  EXPECT_EQ(types[0].description, "Roots.");
  EXPECT_EQ(types[0].root_types[1].type.text, "M");
  EXPECT_EQ(types[1].names.size(), 2u);
  EXPECT_EQ(types[1].fields[0].description, "Its name.");
  EXPECT_EQ(PrintValue(*types[1].fields[0].arguments[0].default_value), "3");
  EXPECT_EQ(types[2].names[1].text, "B");
  EXPECT_EQ(types[3].values[0].directives[0].name.text, "deprecated");
  EXPECT_EQ(types[4].inputs.size(), 2u);
  EXPECT_TRUE(types[5].is_repeatable);
  EXPECT_TRUE(types[8].is_extension);
}

TEST(ParserTest, SaysWhereItStopped) {
  EXPECT_EQ(Refusal(""), "1:1 Syntax Error: Unexpected <EOF>.");
  EXPECT_EQ(Refusal("{\n  a(b: )\n}"), "2:8 Syntax Error: Unexpected \")\".");
  EXPECT_EQ(Refusal("{ a"), "1:4 Syntax Error: Expected Name, found <EOF>.");
  EXPECT_EQ(Refusal("fragment on on A { b }"), "1:10 Syntax Error: Unexpected Name \"on\".");
  EXPECT_EQ(Refusal("fragment a { b }"), "1:12 Syntax Error: Expected \"on\", found \"{\".");
  EXPECT_EQ(Refusal("query ($a: Int = $b) { a }"),
            "1:18 Syntax Error: Unexpected variable \"$b\" in constant value.");
  // Columns count UTF-16 code units; \r\n is one line end.
  EXPECT_EQ(Refusal("{\r\n\"\xF0\x9F\x8F\x83\" }"),
            "2:1 Syntax Error: Expected Name, found String \"\xF0\x9F\x8F\x83\".");
  EXPECT_EQ(Refusal("{ a(b: \"\xF0\x9F\x8F\x83\") ? }"),
            "1:14 Syntax Error: Unexpected character: \"?\".");
  EXPECT_EQ(Refusal("{ a \xFF }"), "1:5 Syntax Error: Document is not valid UTF-8.");
}

TEST(ParserTest, LimitsBytes) {
  EXPECT_EQ(Refusal("{ abc }", {.max_document_bytes = 6}), "Document has 7 bytes; the limit is 6.");
  Parse("{ abc }", {.max_document_bytes = 7});
}

TEST(ParserTest, LimitsTokens) {
  EXPECT_EQ(Refusal("{ a b c }", {.max_tokens = 4}),
            "1:9 Syntax Error: Document contains more than 4 tokens. Parsing aborted.");
  Parse("{ a b c } # comments do not count", {.max_tokens = 5});
}

TEST(ParserTest, LimitsNames) {
  EXPECT_EQ(Refusal("{ abcd }", {.max_name_bytes = 3}),
            "1:3 Syntax Error: Name has 4 bytes; the limit is 3. Parsing aborted.");
}

TEST(ParserTest, LimitsDirectives) {
  EXPECT_EQ(Refusal("{ a @b @b c @b }", {.max_directives = 2}),
            "1:13 Syntax Error: Document contains more than 2 directives. Parsing aborted.");
}

TEST(ParserTest, LimitsNesting) {
  const Limits limits = {.max_depth = 3};
  Parse("{ a { b { c } } }", limits);
  Parse("{ a(b: [[]]) }", limits);
  EXPECT_EQ(Refusal("{ a { b { c { d } } } }", limits),
            "1:13 Syntax Error: Document is nested deeper than 3 levels. Parsing aborted.");
  EXPECT_EQ(Refusal("{ a(b: [{c: []}]) }", limits),
            "1:13 Syntax Error: Document is nested deeper than 3 levels. Parsing aborted.");
  EXPECT_EQ(Refusal("query ($a: [[[[I]]]]) { a }", limits),
            "1:15 Syntax Error: Type is a list of too many lists. Parsing aborted.");
  EXPECT_EQ(Refusal("{ ... { ... { ... { a } } } }", limits),
            "1:19 Syntax Error: Document is nested deeper than 3 levels. Parsing aborted.");
}

TEST(ParserTest, SurvivesHugeNestingWithGenerousLimits) {
  const Limits limits = {.max_tokens = 1'000'000};
  EXPECT_THAT(Refusal(Repeat("{a", 50'000), limits), testing::HasSubstr("nested deeper"));
  EXPECT_THAT(Refusal("{ a(b: " + Repeat("[", 50'000), limits),
              testing::HasSubstr("nested deeper"));
  EXPECT_THAT(Refusal("query ($a: " + Repeat("[", 50'000), limits),
              testing::HasSubstr("too many lists"));
}

// Places in long documents are found from known ones nearby; here from the start.
TEST(ParserTest, KnowsPlacesInLongDocuments) {
  std::string source = "{ ";
  for (int i = 0; i < 3000; ++i) {
    source += i % 7 == 0    ? "a # \xF0\x9F\x8F\x83\r\n"
              : i % 11 == 0 ? "b\r"
              : i % 5 == 0  ? "c\n\n"
                            : "d ";
  }
  source += "}";
  const auto document = Parse(source);
  for (const Selection& selection : document->operations[0].selection_set.selections) {
    const Location expected = LocateEnd(std::string_view(source).substr(0, selection.offset));
    ASSERT_EQ(document->LocationOf(selection.offset), expected) << selection.offset;
  }
}

TEST(ParserTest, PrintsLongValuesShort) {
  const auto document =
      Parse("{ a(b: \"" + std::string(5000, 'x') + "\", c: [" + Repeat("1,", 900) + "]) }");
  for (const NamedValue& argument : document->operations[0].selection_set.selections[0].arguments) {
    EXPECT_LT(PrintValue(argument.value).size(), 300u);
  }
}

}  // namespace
}  // namespace mao::graphql
