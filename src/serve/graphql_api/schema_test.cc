#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/ocr_request.h"
#include "serve/graphql_api/graphql_client_for_test.h"
#include "serve/graphql_api/names.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using testing::UnorderedElementsAreArray;

class SchemaTest : public testing::Test {
 protected:
  const graphql::NamedType& Type(const char* name) {
    return *client_.executor()->schema().FindType(name);
  }

  GraphQlClient client_;
};

TEST(NamesTest, CrossBothWays) {
  for (const char* snake : {"top_p", "mode", "timeout_ms", "no_repeat_ngram_size"}) {
    EXPECT_EQ(SnakeCase(CamelCase(snake)), snake);
  }
  EXPECT_EQ(CamelCase("image_dims"), "imageDims");
  EXPECT_EQ(EnumValue("find_ref"), "FIND_REF");
  EXPECT_EQ(FromEnumValue("FIND_REF"), "find_ref");
  EXPECT_EQ(FinishReasonValue("length"), "LENGTH");
  EXPECT_EQ(FinishReasonValue("error"), Json());
}

TEST(NamesTest, DataIsTheClients) {
  const Json json =
      Json::parse(R"({"raw_text":"a_b","data":{"a_b":1},"list":[{"c_d":{"e_f":null}}]})");
  EXPECT_EQ(CamelCaseNames(json).dump(),
            R"({"rawText":"a_b","data":{"a_b":1},"list":[{"cD":{"eF":null}}]})");
}

// REST and GraphQL take the same fields of a page.
TEST_F(SchemaTest, OcrInputHasTheFieldsOfRest) {
  std::set<std::string> expected;
  for (const std::string& name : OcrFieldNames()) expected.insert(name);
  // Of the transport; mode has an enum of its own, size is resolution's other name.
  for (const char* name : {"stream", "format", "task", "resolution"}) expected.erase(name);
  std::vector<std::string> names;
  for (const graphql::InputValue& input : Type("OcrInput").inputs) {
    if (input.name != "bypassCache") names.push_back(SnakeCase(input.name));
  }
  EXPECT_THAT(names, UnorderedElementsAreArray(expected));
}

TEST_F(SchemaTest, EnumsHaveTheServicesRows) {
  std::vector<std::string> modes;
  for (const OcrMode& mode : OcrModes()) modes.push_back(EnumValue(mode.name));
  std::vector<std::string> names;
  for (const graphql::EnumValue& value : Type("OcrMode").values) names.push_back(value.name);
  EXPECT_EQ(names, modes);
  std::vector<std::string> sizes;
  for (const std::string_view size : SizeModes()) sizes.push_back(EnumValue(size));
  names.clear();
  for (const graphql::EnumValue& value : Type("SizeMode").values) names.push_back(value.name);
  EXPECT_EQ(names, sizes);
}

TEST_F(SchemaTest, TheServerTellsOfItself) {
  const Json data = client_.Ask(
      "{ health { status ready inferenceEngine reason } version models { name state failure } "
      "model(name: \"fake-ocr\") { inferenceEngine } other: model(name: \"没有\") { name } }")
                        ["data"];
  EXPECT_EQ(
      data.dump(),
      R"({"health":{"status":"HEALTHY","ready":true,"inferenceEngine":"vllm_direct","reason":null},)"
      R"("version":"1.2.3","models":[{"name":"fake-ocr","state":"LOADED","failure":null}],)"
      R"("model":{"inferenceEngine":"vllm_direct"},"other":null})");
  client_.service().AddModel("late");
  client_.service().SetFailed("late", NotFoundError("no such folder"));
  EXPECT_EQ(client_.Ask("{ models { state failure } }")["data"]["models"][1].dump(),
            R"({"state":"FAILED","failure":"no such folder"})");
}

TEST_F(SchemaTest, Modes) {
  const Json tasks = client_.Ask(
      "{ modes { tasks { mode needs otherName grounding groundingIsOptional } } }")["data"]["modes"]
                                                                                   ["tasks"];
  ASSERT_EQ(tasks.size(), OcrModes().size());
  EXPECT_EQ(tasks[8].dump(),
            R"({"mode":"FIND_REF","needs":["findTerm"],"otherName":"locate","grounding":true,)"
            R"("groundingIsOptional":false})");
}

}  // namespace
}  // namespace mao
