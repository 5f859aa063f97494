#include "engine/constraint/json_schema.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/constraint/grammar_for_test.h"

namespace mao {
namespace {

using testing::HasSubstr;

Matcher MatcherOf(const std::string& schema) {
  auto grammar = CompileJsonSchema(schema);
  EXPECT_TRUE(grammar.ok()) << schema << ": " << grammar.status().ToString();
  return Matcher(grammar.ok() ? *std::move(grammar) : GrammarOfRegex("a"));
}

struct Case {
  const char* schema;
  std::vector<const char*> allowed;
  std::vector<const char*> refused;
};

void ExpectCases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Matcher matcher = MatcherOf(c.schema);
    for (const char* text : c.allowed)
      EXPECT_TRUE(matcher.Matches(text)) << c.schema << ' ' << text;
    for (const char* text : c.refused) {
      EXPECT_FALSE(matcher.Matches(text)) << c.schema << ' ' << text;
    }
  }
}

TEST(JsonSchemaTest, Types) {
  ExpectCases({
      {R"({"type":"null"})", {"null"}, {"", "nul", "null ", " null"}},
      {R"({"type":"boolean"})", {"true", "false"}, {"null", "True"}},
      {R"({"type":"integer"})", {"0", "-7", "120"}, {"1.0", "-0", "01", "1e2", "\"1\""}},
      {R"({"type":"number"})", {"0", "-7.25", "1e9", "1.5E-07"}, {"1.", ".5", "01", "+1", "1e999"}},
      {R"({"type":"string"})",
       {R"("")", R"("a\"b")", R"("你好\n")", R"("\u4f60\uD83D\uDE00")", R"("\/")"},
       {"\"a", "a", "\"a\nb\"", R"("\x")", R"("\uD83D")", R"("\uDE00")", R"("\uD83Da")"}},
      {R"({"type":["integer","null"]})", {"3", "null"}, {"3.5", "\"3\""}},
      {R"({"type":["integer","number"]})", {"3", "3.5"}, {"null"}},
      {R"({"type":"integer","nullable":true})", {"3", "null"}, {"true"}},
      {"{}", {"1", "[]", "{}", "[1,{\"a\":[null]}]", "\"x\""}, {"[1", "{a:1}"}},
      {"true", {"1", "[true, false]"}, {"tru"}},
  });
}

TEST(JsonSchemaTest, Enumerations) {
  ExpectCases({
      {R"({"enum":["a","ab","b\n",1,10,null,{"k":[1,2]}]})",
       {R"("a")", R"("ab")", R"("b\n")", "1", "10", "null", R"({"k":[1,2]})"},
       {R"("abc")", "100", "\"\""}},
      {R"({"const":"合计"})", {"\"合计\""}, {"\"合\"", "\"\\u5408\\u8ba1\""}},
      {R"({"type":"string","enum":["a",1]})", {"\"a\""}, {"1"}},
      {R"({"enum":["a","b"],"const":"b"})", {"\"b\""}, {"\"a\""}},
      {R"({"type":"integer","enum":[1,2.0,2.5]})", {"1", "2.0"}, {"2.5"}},
  });
}

TEST(JsonSchemaTest, Strings) {
  ExpectCases({
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("ab")", R"("你好吗")", R"("\n\u0041\uD83D\uDE00")"},
       {R"("a")", R"("abcd")", R"("你")", R"("😀")"}},
      {R"({"type":"string","maxLength":0})", {R"("")"}, {R"("a")"}},
      {R"({"minLength":1})", {R"("a")", R"("abcdef")"}, {R"("")", "1"}},
      {R"({"type":"string","pattern":"^[A-Z]{2}\\d+$"})", {R"("AB12")"}, {R"("AB")", R"("xAB1")"}},
      {R"({"type":"string","pattern":"b+"})", {R"("abbc")", R"("b")"}, {R"("ac")"}},
      {R"({"type":"string","pattern":"^a|b$"})", {R"("ac")", R"("cb")"}, {R"("ca")"}},
      {R"({"pattern":"^[\"\\\\\\n/x]*$"})",
       {R"("\"\\\n/x")"},
       {R"("\/")", R"("\u000a")", R"("y")"}},
      {R"({"type":"string","pattern":"^.$"})", {R"("\t")", R"("\u0001")", R"("好")"}, {R"("\n")"}},
      {R"({"type":"string","format":"date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("2023-12-31")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")",
        R"("2023-1-1")"}},
      {R"({"type":"string","format":"time"})",
       {R"("23:59:59Z")", R"("00:00:00.25+08:00")"},
       {R"("24:00:00Z")", R"("12:00:00")"}},
      {R"({"format":"date-time"})", {R"("2024-02-29T12:00:00Z")"}, {R"("2024-02-30T12:00:00Z")"}},
      {R"({"format":"uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"}, {R"("123e4567")"}},
      {R"({"format":"email"})", {R"("a.b+c@mail.example.org")"}, {R"("a@b")", R"("@b.c")"}},
      {R"({"format":"ipv4"})", {R"("192.168.0.255")"}, {R"("192.168.0.256")", R"("1.2.3")"}},
      {R"({"format":"hostname"})", {R"("localhost")", R"("a.b-c.d")"}, {R"("-a")"}},
      {R"({"format":"uri"})", {R"("https://example.org/a?b=%20#c")"}, {R"("//x")", R"("a:%2")"}},
  });
}

TEST(JsonSchemaTest, Numbers) {
  ExpectCases({
      {R"({"type":"integer","minimum":-3,"maximum":12})",
       {"-3", "0", "12", "9"},
       {"-4", "13", "100"}},
      {R"({"type":"integer","exclusiveMinimum":0.5,"exclusiveMaximum":3})", {"1", "2"}, {"0", "3"}},
      {R"({"type":"integer","format":"int32"})", {"2147483647", "-2147483648"}, {"2147483648"}},
      {R"({"type":"number","minimum":0,"maximum":1})",
       {"0", "0.5", "1", "0.999"},
       {"-0.5", "1.5", "2", "1e1"}},
      {R"({"type":"number","exclusiveMinimum":0})", {"0.01", "3", "250.5"}, {"0", "0.0", "-1"}},
      {R"({"minimum":2,"exclusiveMinimum":2})", {"2.1", "3"}, {"2"}},
      {R"({"type":"number","format":"double"})", {"1.5"}, {"\"a\""}},
  });
}

TEST(JsonSchemaTest, Objects) {
  ExpectCases({
      {R"({"properties":{"a":{"type":"integer"},"b":{"type":"null"}},"required":["a"]})",
       {R"({"a":1})", R"({"a":1,"b":null})", R"({ "a": 1, "b": null })", "{\n  \"a\": 1\n}",
        "{\n\t\"a\":1,\n\t\"b\":null\n}"},
       {"{}", R"({"b":null})", R"({"b":null,"a":1})", R"({"a":1,})", R"({"a":1,"c":2})",
        R"({"a" :1})", R"({"a":  1})", "{\n\n\"a\":1}", R"({"a":1} )"}},
      {R"({"type":"object","properties":{"a":{},"b":{},"c":{}}})",
       {"{}", R"({"a":1})", R"({"b":1})", R"({"c":1})", R"({"a":1,"c":1})",
        R"({"a":1,"b":1,"c":1})"},
       {"{,}", R"({"c":1,"a":1})", R"({"a":1 "b":1})"}},
      {R"({"type":"object"})", {"{}", R"({"x":[{}]})", R"({"x":1, "y":"z"})"}, {"[]", "{ }"}},
      {R"({"type":"object","additionalProperties":{"type":"integer"}})",
       {"{}", R"({"x":1,"\u0041":2})"},
       {R"({"x":"1"})"}},
      {R"({"type":"object","additionalProperties":false})", {"{}"}, {R"({"a":1})"}},
      {R"({"properties":{"a":{"const":1},"abc":{"const":2},"报":{"const":3}},
           "additionalProperties":{"const":0}})",
       {"{}", R"({"a":1})", R"({"ab":0})", R"({"a":1,"abc":2,"x":0,"abcd":0,"":0})",
        R"({"报告":0})"},
       {R"({"a":0})", R"({"abc":0})", R"({"报":0})", R"({"x":1})", R"({"x":0,"a":1})",
        R"({"\u0061":0})"}},
      {R"({"required":["x"],"properties":{"y":{"const":1}},"additionalProperties":true})",
       {R"({"x":[]})", R"({"y":1,"x":2})"},
       {R"({"y":1})", "{}"}},
      {R"({"properties":{"a":false,"b":{"const":1}}})", {R"({"b":1})", "{}"}, {R"({"a":1})"}},
      {R"({"properties":{"q\"\\\n":{"const":1}},"required":["q\"\\\n"]})",
       {R"({"q\"\\\n":1})"},
       {"{}"}},
  });
}

TEST(JsonSchemaTest, Arrays) {
  ExpectCases({
      {R"({"type":"array"})", {"[]", "[1,\"a\",[]]", "[ 1 ]", "[\n  1,\n  2\n]"}, {"[1,]", "[,]"}},
      {R"({"items":{"type":"integer"}})", {"[]", "[1, 2]"}, {"[\"a\"]", "[1 ,2]"}},
      {R"({"items":{"const":1},"minItems":1})", {"[1]", "[1,1,1]"}, {"[]"}},
      {R"({"items":{"const":1},"minItems":2,"maxItems":3})",
       {"[1,1]", "[1, 1, 1]"},
       {"[1]", "[1,1,1,1]", "[]"}},
      {R"({"items":{"const":1},"maxItems":2})", {"[]", "[1]", "[1,1]"}, {"[1,1,1]"}},
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"items":{"const":1},"minItems":3})", {"[1,1,1]", "[1,1,1,1]"}, {"[1,1]"}},
      {R"({"prefixItems":[{"const":1},{"const":2}]})",
       {"[1,2]", "[1, 2]"},
       {"[1]", "[]", "[1,2,3]"}},
      {R"({"prefixItems":[{"const":1}],"items":{"const":2}})",
       {"[1]", "[1,2]", "[1,2,2]"},
       {"[2]", "[]", "[1,1]"}},
      {R"({"prefixItems":[{"const":1}],"items":{"const":2},"minItems":2,"maxItems":3})",
       {"[1,2]", "[1,2,2]"},
       {"[1]", "[1,2,2,2]"}},
      {R"({"prefixItems":[{"const":1},{"const":2}],"maxItems":1})", {"[1]"}, {"[1,2]"}},
      {R"({"prefixItems":[{"const":1}],"items":false})", {"[1]"}, {"[1,1]"}},
      {R"({"prefixItems":[{"const":1}],"minItems":2})", {"[1,true]"}, {"[1]"}},
      {R"({"items":false})", {"[]"}, {"[1]"}},
  });
}

TEST(JsonSchemaTest, Combinations) {
  ExpectCases({
      {R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})",
       {"12", R"("a")"},
       {R"("ab")", "null"}},
      {R"({"oneOf":[{"const":1},{"const":12}],"description":"x"})", {"1", "12"}, {"2"}},
      {R"({"type":"object","properties":{"k":{"type":"integer"}},"required":["k"],
           "anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},
                    {"properties":{"b":{"const":2}},"required":["b"]}]})",
       {R"({"k":1,"a":1})", R"({"k":1,"b":2})"},
       {R"({"k":1})", R"({"a":1})"}},
      {R"({"allOf":[{"$ref":"#/$defs/n"}],"title":"T","$defs":{"n":{"type":"null"}}})",
       {"null"},
       {"1"}},
      {R"({"allOf":[{"properties":{"a":{"type":"number","minimum":1}},"required":["a"]},
                    {"properties":{"a":{"type":"integer","maximum":3},"b":{}},"required":["b"]}]})",
       {R"({"a":2,"b":0})"},
       {R"({"a":0,"b":0})", R"({"a":4,"b":0})", R"({"a":2})"}},
      {R"({"allOf":[{"properties":{"a":{"const":1}},"additionalProperties":false},
                    {"properties":{"b":{"const":2}}}]})",
       {"{}", R"({"a":1})"},
       {R"({"a":1,"b":2})", R"({"b":2})"}},
      {R"({"$ref":"#/definitions/a~1b","minLength":2,"definitions":{"a/b":{"type":"string"}}})",
       {R"("ab")"},
       {R"("a")"}},
      {R"({"allOf":[{"enum":[1,2,3]},{"enum":[2,3,4]},{"type":["integer","null"]}]})",
       {"2", "3"},
       {"1", "4"}},
      {R"({"allOf":[{"items":{"minimum":2}},{"items":{"maximum":3},"type":"array"},true]})",
       {"[2,3]", "[]"},
       {"[1]", "[4]"}},
  });
}

TEST(JsonSchemaTest, References) {
  ExpectCases({
      {R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{
           "v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},
           "required":["v"]}}})",
       {R"({"v":1})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]})"},
       {R"({"kids":[]})", R"({"v":1,"kids":[{}]})"}},
      {R"({"properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]})",
       {R"({"next":null})", R"({"next":{"next":{"next":null}}})"},
       {R"({"next":{}})"}},
      {R"({"properties":{"a":{"enum":["x"]},"b":{"$ref":"#/properties/a"}}})",
       {R"({"a":"x","b":"x"})"},
       {R"({"b":"y"})"}},
      {R"({"anyOf":[{"const":1},{"const":2}],"type":"integer"})", {"1"}, {"3"}},
  });
}

// A value that nests deeper than calls may be open is not begun, so that all can be finished.
TEST(JsonSchemaTest, NestingIsBounded) {
  auto grammar = CompileAnyJsonObject();
  ASSERT_TRUE(grammar.ok());
  Matcher matcher(*std::move(grammar));
  std::string text = "{\"a\":";
  size_t depth = 0;
  while (depth < 1000 && matcher.IsPrefix(text + "[")) {
    text += "[";
    ++depth;
  }
  EXPECT_GT(depth, 50u);
  EXPECT_LT(depth, 70u);
  EXPECT_TRUE(matcher.Matches(text + std::string(depth, ']') + "}"));
}

// Readings that share their beginning are followed together: two ways per level, 50 levels.
TEST(JsonSchemaTest, AmbiguousRecursionStaysSmall) {
  Matcher matcher = MatcherOf(
      R"({"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{
          "a":{"type":"array","items":{"$ref":"#"}},
          "b":{"type":"array","items":{"anyOf":[{"$ref":"#"},{"const":1}]}}}})");
  std::string text(25, '[');
  EXPECT_TRUE(matcher.IsPrefix(text));
  EXPECT_TRUE(matcher.Matches(text + "1" + std::string(25, ']')));
  EXPECT_LT(matcher.LargestState(), 100u);
}

TEST(JsonSchemaTest, NamesTheKeywordAndItsPlace) {
  const struct {
    const char* schema;
    const char* message;
  } kCases[] = {
      {"{", "not JSON"},
      {"[1]", "#: a schema must be an object"},
      {R"({"a":1,"a":2})", "the member \"a\" is there twice"},
      {R"({"properties":{"a":{"type":"object","patternProperties":{}}}})",
       "#/properties/a/patternProperties: this keyword is not supported"},
      {R"({"properties":{"a/b~":{"multipleOf":2}}})",
       "#/properties/a~1b~0/multipleOf: this keyword"},
      {R"({"items":{"anyOf":[{},{"not":{}}]}})", "#/items/anyOf/1/not: this keyword"},
      {R"({"if":{}})", "#/if: "},
      {R"({"type":"any"})", "#/type: \"any\" is not a type"},
      {R"({"type":3})", "#/type: must be a type's name"},
      {R"({"properties":[]})", "#/properties: must be an object"},
      {R"({"required":[1]})", "#/required: must be an array of strings"},
      {R"({"required":["a"],"properties":{},"additionalProperties":false})",
       "#/required: \"a\" is not"},
      {R"({"uniqueItems":true})", "#/uniqueItems: only false"},
      {R"({"minLength":-1})", "#/minLength: must be a whole number"},
      {R"({"minLength":1.5})", "#/minLength: must be a whole number"},
      {R"({"minLength":3,"maxLength":2})", "#/minLength: above maxLength"},
      {R"({"minItems":3,"maxItems":2})", "#/minItems: above maxItems"},
      {R"x({"type":"string","pattern":"a(?=b)"})x",
       "#/pattern: the regular expression is not supported at byte 1"},
      {R"({"pattern":"a","maxLength":3})", "#/pattern: pattern, format and minLength"},
      {R"({"pattern":"(a{1000}){1000}"})", "the limit is 100000"},
      {R"({"format":"idn-email"})", "#/format: \"idn-email\" is not supported; known: date"},
      {R"({"type":"number","minimum":0.5})", "#/minimum: of a number only whole bounds"},
      {R"({"type":"number","minimum":5,"maximum":4})", "no number between"},
      {R"({"type":"integer","minimum":5,"maximum":4})", "no integer between"},
      {R"({"type":"integer","minimum":1e30})", "no integer between"},
      {R"({"enum":[]})", "#/enum: allows no value"},
      {R"({"enum":[1],"type":"string"})", "#/enum: allows no value"},
      {R"({"enum":["a"],"minLength":1})", "#/minLength: not supported beside const or enum"},
      {R"({"$ref":"other.json"})", "#/$ref: only references into the same schema"},
      {R"({"$ref":"#/$defs/x"})", "#/$ref: #/$defs/x is not there"},
      {R"({"$ref":"#name"})", "#/$ref: anchors"},
      {R"({"$ref":"#"})", "refers to itself before any text"},
      {R"({"anyOf":[{"type":"null"},{"$ref":"#"}],"$defs":{}})",
       "refers to itself before any text"},
      {R"({"allOf":[{"$ref":"#"},{"type":"null"}]})", "refers to itself beside other keywords"},
      {R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})", "no text satisfies"},
      {R"({"properties":{"a":false},"required":["a"]})", "#/properties/a: false allows no value"},
      {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", "#/allOf/pattern: two schemas"},
      {R"({"allOf":[{"type":"null"},{"type":"string"}]})", "no type is left"},
      {R"({"anyOf":[]})", "#/anyOf: must be an array of at least one schema"},
      {R"({"items":[{}]})", "#/items: must be a schema"},
      {R"({"prefixItems":[{}],"items":false,"minItems":2})", "#/minItems: more than prefixItems"},
  };
  for (const auto& [schema, message] : kCases) {
    const auto grammar = CompileJsonSchema(schema);
    ASSERT_FALSE(grammar.ok()) << schema;
    EXPECT_EQ(grammar.status().code(), StatusCode::kInvalidArgument) << schema;
    EXPECT_THAT(grammar.status().message(), HasSubstr(message)) << schema;
  }
}

TEST(JsonSchemaTest, HostileSchemasMeetALimit) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += R"({"items":)";
  EXPECT_THAT(CompileJsonSchema(deep).status().message(),
              HasSubstr("nested deeper than the limit"));
  // Every level doubles what is written.
  std::string doubling = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + R"(","title":"t"})";
    doubling += (i > 0 ? ",\"d" : "\"d") + std::to_string(i) +
                R"(":{"minItems":0,"prefixItems":[)" + next + "," + next +
                R"(],"allOf":[{"type":"array"}]})";
  }
  doubling += R"(,"d40":{"type":"null"}}})";
  const auto grammar = CompileJsonSchema(doubling);
  EXPECT_TRUE(grammar.ok()) << grammar.status().ToString();  // references are rules: no copies
  // allOf copies: 2^30 merged schemas unless they are counted.
  std::string merging = R"({"$defs":{)";
  for (int i = 0; i < 30; ++i) {
    const std::string next =
        R"({"$ref":"#/$defs/m)" + std::to_string(i + 1) + R"(","type":"array"})";
    merging += (i > 0 ? ",\"m" : "\"m") + std::to_string(i) + R"(":{"prefixItems":[)" + next + "," +
               next + "]}";
  }
  merging += R"(,"m30":{"type":"array"}},"$ref":"#/$defs/m0"})";
  EXPECT_EQ(CompileJsonSchema(merging).status().code(), StatusCode::kOutOfRange);
  std::string many = R"({"properties":{)";
  for (int i = 0; i < 6000; ++i) {
    many += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + R"(":{"type":"number"})";
  }
  EXPECT_EQ(CompileJsonSchema(many + "}}").status().code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace mao
