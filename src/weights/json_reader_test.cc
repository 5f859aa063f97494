#include "weights/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr int64_t kMax = 1 << 20;

constexpr const char* kConfig = R"({
  "hidden_size": 1280, "whole_as_real": 4.0, "big_real": 1e300, "half": 2.5, "theta": 10000,
  "q_lora_rank": null, "tied": false, "model_type": "qwen2", "eos_token_id": 1,
  "vision": {"width": {"sam-b": {"layers": 12, "indexes": [2, 5, 8, 11]}}},
  "architectures": ["A", "B"], "resolutions": [[1024, 640]],
  "map": {"x": "1", "y": "2"}, "bad_map": {"x": 1}})";

JsonReader Reader(std::string_view text = kConfig) {
  auto reader = JsonReader::Parse(text, "m/config.json");
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return std::move(reader).value();
}

TEST(JsonReaderTest, ReadsValuesByPath) {
  JsonReader reader = Reader();
  EXPECT_EQ(reader.RequiredInt("hidden_size", 1, kMax), 1280);
  EXPECT_EQ(reader.Int("whole_as_real", 1, 1, 8), 4);
  EXPECT_EQ(reader.Int("vision.width.sam-b.layers", 1, 1, 100), 12);
  EXPECT_EQ(reader.RequiredInt("resolutions.0.1", 1, kMax), 640);
  EXPECT_EQ(reader.Double("theta", 1, 1, 1e9), 10000.0);
  EXPECT_EQ(reader.RequiredDouble("half", 0, 3), 2.5);
  EXPECT_FALSE(reader.Bool("tied", true));
  EXPECT_FALSE(reader.RequiredBool("tied"));
  EXPECT_EQ(reader.String("model_type", ""), "qwen2");
  EXPECT_EQ(reader.RequiredString("architectures.1"), "B");
  EXPECT_THAT(reader.RequiredIntList("vision.width.sam-b.indexes", 0, 11, 4),
              ElementsAre(2, 5, 8, 11));
  EXPECT_THAT(reader.IntList("eos_token_id", {}, 0, kMax, 8), ElementsAre(1));
  EXPECT_THAT(reader.RequiredStringMap("map"), ElementsAre(Pair("x", "1"), Pair("y", "2")));
  EXPECT_TRUE(reader.Has("vision.width"));
  EXPECT_TRUE(reader.status().ok()) << reader.status().ToString();
}

TEST(JsonReaderTest, NullAndAbsentGiveTheDefault) {
  JsonReader reader = Reader();
  EXPECT_EQ(reader.Int("q_lora_rank", 7, 0, 9), 7);
  EXPECT_EQ(reader.Int("vision.none.layers", 3, 0, 9), 3);
  EXPECT_EQ(reader.Int("q_lora_rank.deeper", 5, 0, 9), 5);
  EXPECT_EQ(reader.Double("none", 0.5, 0, 1), 0.5);
  EXPECT_TRUE(reader.Bool("none", true));
  EXPECT_EQ(reader.String("none", "x"), "x");
  EXPECT_EQ(reader.String("architectures.2", "x"), "x");
  EXPECT_THAT(reader.IntList("none", {4}, 0, 9, 1), ElementsAre(4));
  EXPECT_FALSE(reader.Has("q_lora_rank"));
  EXPECT_FALSE(reader.Has("model_type.x"));
  EXPECT_TRUE(reader.status().ok());
}

TEST(JsonReaderTest, OneStatusTellsEveryProblem) {
  JsonReader reader = Reader();
  EXPECT_EQ(reader.RequiredInt("none", 16, 32), 16);
  EXPECT_EQ(reader.Int("hidden_size", 5, 1, 1279), 5);
  EXPECT_EQ(reader.Int("half", 5, 1, 9), 5);
  EXPECT_EQ(reader.Int("big_real", 5, 1, kMax), 5);
  EXPECT_EQ(reader.RequiredInt("model_type.deeper", 2, 9), 2);
  EXPECT_EQ(reader.Double("theta", 1, 0, 9999.5), 1.0);
  EXPECT_FALSE(reader.RequiredBool("hidden_size"));
  EXPECT_EQ(reader.RequiredString("tied"), "");
  EXPECT_THAT(reader.RequiredIntList("vision.width.sam-b.indexes", 0, 10, 4), IsEmpty());
  EXPECT_THAT(reader.RequiredIntList("vision.width.sam-b.indexes", 0, 11, 3), IsEmpty());
  EXPECT_THAT(reader.RequiredStringMap("bad_map"), IsEmpty());
  EXPECT_THAT(reader.RequiredStringMap("theta"), IsEmpty());
  EXPECT_EQ(reader.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.status().message(),
            "m/config.json: none: missing; "
            "hidden_size: found 1280, allowed is a whole number from 1 to 1279; "
            "half: found 2.5, allowed is a whole number from 1 to 9; "
            "big_real: found 1e+300, allowed is a whole number from 1 to 1048576; "
            "model_type: found \"qwen2\", expected an object; "
            "theta: found 10000, allowed is a number from 0 to 9999.5; "
            "hidden_size: found 1280, allowed is true or false; "
            "tied: found false, allowed is a string; "
            "vision.width.sam-b.indexes: found [2,5,8,11], allowed is a list of at most 4 whole "
            "numbers from 0 to 10; "
            "vision.width.sam-b.indexes: found [2,5,8,11], allowed is a list of at most 3 whole "
            "numbers from 0 to 11; "
            "bad_map.\"x\": found 1, allowed is a string; "
            "theta: found 10000, allowed is an object");
}

TEST(JsonReaderTest, LongValuesAreCutInMessages) {
  JsonReader reader = Reader("{\"k\": \"" + std::string(1000, 'x') + "\"}");
  reader.RequiredInt("k", 0, 1);
  EXPECT_LT(reader.status().message().size(), 200u);
  EXPECT_THAT(reader.status().message(), HasSubstr("xxx…"));
}

void ExpectParseError(std::string_view text, StatusCode code, const std::string& part) {
  const auto reader = JsonReader::Parse(text, "m/config.json");
  ASSERT_FALSE(reader.ok()) << part;
  EXPECT_EQ(reader.status().code(), code) << reader.status().ToString();
  EXPECT_THAT(reader.status().message(), HasSubstr("m/config.json"));
  EXPECT_THAT(reader.status().message(), HasSubstr(part));
}

TEST(JsonReaderTest, RefusesWhatIsNoConfiguration) {
  ExpectParseError("", StatusCode::kDataLoss, "not valid JSON");
  ExpectParseError("{", StatusCode::kDataLoss, "not valid JSON");
  ExpectParseError("[1]", StatusCode::kDataLoss, "not an object");
  ExpectParseError("{\"a\":{\"k\":1,\"k\":2}}", StatusCode::kDataLoss, "\"k\" stands twice");
  ExpectParseError("{\"a\":[{\"k\":1,\"\\u006b\":2}]}", StatusCode::kDataLoss,
                   "\"k\" stands twice");
}

TEST(JsonReaderTest, LimitsSizeAndDepth) {
  const auto nested = [](size_t levels) {
    return "{\"k\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_TRUE(JsonReader::Parse(nested(63), "x").ok());
  ExpectParseError(nested(65), StatusCode::kOutOfRange, "limit of 64 levels");
  std::string large = "{\"k\":\"\"}";
  large.append(JsonReader::kMaxBytes - large.size(), ' ');
  EXPECT_TRUE(JsonReader::Parse(large, "x").ok());
  ExpectParseError(large + " ", StatusCode::kOutOfRange, "limit of 1048576 bytes");
}

}  // namespace
}  // namespace mao
