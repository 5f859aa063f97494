#include "serve/api/json.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(JsonTest, ReadsEveryKindOfValue) {
  const auto json = ParseJson(R"({"a":[1,-2,3.5,1e3,18446744073709551615,true,null,"é中\u4e2d"]})");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(DumpJson(*json), R"({"a":[1,-2,3.5,1000.0,18446744073709551615,true,null,"é中中"]})");
}

TEST(JsonTest, OrderIsKeptWhereItIsAskedFor) {
  const std::string text = R"({"z":{"b":[{"y":1,"x":null}],"a":"中"},"c":2})";
  EXPECT_EQ(DumpJson(*ParseOrderedJson(text)), text);
  EXPECT_EQ(ParseOrderedJson("{").status().code(), StatusCode::kInvalidArgument);
}

TEST(JsonTest, WrongTextsAreErrors) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "\"\x01\"", "\"\xff\"",
                           "[1] 2", "{'a':1}", "01", "\"\\ud800\""}) {
    EXPECT_EQ(ParseJson(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_TRUE(ParseJson(nested(kMaxJsonDepth - 1)).ok());
  const Status status = ParseJson(nested(kMaxJsonDepth + 1)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("64"), std::string::npos);
  EXPECT_FALSE(ParseJson(nested(1'000'000)).ok());
}

TEST(JsonTest, TextAtAPathKeepsItsOrder) {
  const std::string_view text = R"({ "a": { "b": { "z": 1, "y": [ 2, "中" ] } } })";
  const std::string_view path[] = {"a", "b"};
  EXPECT_EQ(*JsonTextAt(text, path), R"({"z":1,"y":[2,"中"]})");
  const std::string_view wrong[] = {"a", "b", "z", "q"};
  EXPECT_EQ(JsonTextAt(text, wrong).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(JsonTextAt("{", path).status().code(), StatusCode::kInvalidArgument);
}

TEST(JsonTest, DumpIsValidUtf8) {
  EXPECT_EQ(DumpJson(nlohmann::json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(JsonFieldsTest, ReadsWhatIsThere) {
  const auto json = ParseJson(
      R"({"i":3.0,"f":1,"b":true,"s":"x","list":["a","b"],"one":"a","n":null,"ids":[1,2]})");
  int i = 0;
  float f = 0;
  bool b = false;
  std::string s;
  std::string absent = "kept";
  std::optional<int> null = 7;
  std::vector<std::string> list;
  std::vector<std::string> one;
  std::vector<int> ids;
  JsonFields fields(*json);
  fields.Read("i", i).Read("f", f).Read("b", b).Read("s", s).Read("absent", absent).Read("n", null);
  fields.Read("list", list).Read("one", one).Read("ids", ids);
  EXPECT_TRUE(fields.status().ok());
  EXPECT_EQ(i, 3);
  EXPECT_EQ(f, 1);
  EXPECT_TRUE(b);
  EXPECT_EQ(s, "x");
  EXPECT_EQ(absent, "kept");
  EXPECT_EQ(null, 7);
  EXPECT_EQ(list, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(one, (std::vector<std::string>{"a"}));
  EXPECT_EQ(ids, (std::vector<int>{1, 2}));
}

TEST(JsonFieldsTest, WrongTypesNameTheField) {
  const auto json = ParseJson(R"({"max_tokens":"12","x":1.5,"big":1e20})");
  int value = 4;
  JsonFields fields(*json, "options.");
  fields.Read("max_tokens", value).Read("x", value);
  EXPECT_EQ(value, 4);
  EXPECT_EQ(fields.status().message(), "options.max_tokens: expected an integer");
  JsonFields big(*json);
  big.Read("big", value);
  EXPECT_FALSE(big.status().ok());
  EXPECT_EQ(JsonFields(nlohmann::json(3)).status().message(),
            "the body: expected an object, found number");
}

}  // namespace
}  // namespace mao
