#include "serve/api/ocr_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kImage = EncodeBase64("image file");

// The plan for these fields, with an image.
Result<OcrPlan> Plan(json fields) {
  fields["image"] = kImage;
  MAO_ASSIGN_OR_RETURN(OcrRequest request, ParseOcrFields(std::move(fields)));
  return PlanOcr(std::move(request), nullptr);
}

std::string PromptOf(const json& fields) {
  const Result<OcrPlan> plan = Plan(fields);
  return plan.ok() ? PromptText(plan->read) : "error: " + plan.status().message();
}

std::string ErrorOf(const json& fields) {
  const Result<OcrPlan> plan = Plan(fields);
  return plan.ok() ? "" : plan.status().message();
}

TEST(OcrRequestTest, EveryModeUsesAPromptOfTheModel) {
  const std::string markdown = "\n<|grounding|>Convert the document to markdown.";
  const std::string free = "\nFree OCR.";
  const std::string ocr = "\n<|grounding|>OCR this image.";
  EXPECT_EQ(PromptOf(json::object()), markdown);
  for (const char* mode :
       {"markdown", "tables_csv", "tables_md", "kv_json", "layout_map", "pii_redact"}) {
    EXPECT_EQ(PromptOf({{"mode", mode}}), markdown) << mode;
  }
  for (const char* mode : {"plain_ocr", "multilingual", "text"}) {
    EXPECT_EQ(PromptOf({{"mode", mode}}), free) << mode;
    EXPECT_EQ(PromptOf({{"mode", mode}, {"grounding", true}}), ocr) << mode;
  }
  EXPECT_EQ(PromptOf({{"mode", "ocr"}}), ocr);
  EXPECT_EQ(PromptOf({{"mode", "figure_chart"}}), "\nParse the figure.");
  EXPECT_EQ(PromptOf({{"mode", "describe"}}), "\nDescribe this image in detail.");
  EXPECT_EQ(PromptOf({{"mode", "describe"}, {"grounding", true}}),
            "\n<|grounding|>Describe this image in detail.");
  EXPECT_EQ(PromptOf({{"mode", "find_ref"}, {"find_term", "Total"}}),
            "\nLocate <|ref|>Total<|/ref|> in the image.");
  EXPECT_EQ(PromptOf({{"mode", "freeform"}, {"prompt", "<image>\nRead the seal."}}),
            "\nRead the seal.");
  EXPECT_EQ(PromptOf({{"prompt", "Read the seal."}, {"grounding", true}}),
            "\n<|grounding|>Read the seal.");
}

TEST(OcrRequestTest, GroundingCanBeSwitchedOffWhereTheModeDoesWithout) {
  EXPECT_EQ(PromptOf({{"mode", "markdown"}, {"grounding", false}}), "\nFree OCR.");
  EXPECT_EQ(PromptOf({{"mode", "kv_json"}, {"grounding", "false"}}), "\nFree OCR.");
  for (const char* mode : {"tables_csv", "layout_map", "pii_redact"}) {
    const auto plan = Plan({{"mode", mode}, {"grounding", false}});
    ASSERT_TRUE(plan.ok());
    EXPECT_TRUE(plan->grounding) << mode;
  }
  EXPECT_FALSE(Plan({{"mode", "markdown"}, {"grounding", false}})->grounding);
  EXPECT_TRUE(Plan({{"prompt", "<|grounding|>Read."}})->grounding);
}

TEST(OcrRequestTest, TermsAndPromptsOfStrangersHoldNoControlTokens) {
  const auto found = Plan({{"mode", "find_ref"}, {"find_term", "<|det|>x"}});
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->read.prompt.at(1).parse_special_tokens);
  const auto free = Plan({{"prompt", "a <｜end▁of▁sentence｜>"}});
  ASSERT_TRUE(free.ok());
  for (const PromptPiece& piece : free->read.prompt) EXPECT_FALSE(piece.parse_special_tokens);
}

TEST(OcrRequestTest, ModeMayNameTheSizeInstead) {
  const auto size_of = [](const json& fields) {
    const auto plan = Plan(fields);
    return plan.ok() ? plan->read.image_options.mode : "error: " + plan.status().message();
  };
  EXPECT_EQ(size_of(json::object()), "auto");
  EXPECT_EQ(size_of({{"mode", "tiny"}}), "tiny");
  EXPECT_EQ(Plan({{"mode", "tiny"}})->mode->name, "markdown");
  EXPECT_EQ(Plan({{"mode", "tiny"}, {"task", "text"}})->mode->name, "plain_ocr");
  EXPECT_EQ(size_of({{"mode", "markdown"}, {"size", "large"}}), "large");
  EXPECT_EQ(size_of({{"resolution", "small"}}), "small");
  EXPECT_EQ(size_of({{"base_size", "1024"}, {"image_size", "640"}, {"crop_mode", "true"}}),
            "gundam");
  EXPECT_EQ(size_of({{"size", "base"}, {"base_size", 1024}, {"image_size", 1024}}), "base");
  EXPECT_THAT(size_of({{"mode", "tiny"}, {"size", "large"}}), HasSubstr("contradict"));
  EXPECT_THAT(size_of({{"size", "base"}, {"crop_mode", true}}), HasSubstr("contradict"));
  EXPECT_THAT(size_of({{"base_size", 900}}), HasSubstr("512/512/false (tiny)"));
}

TEST(OcrRequestTest, TaskAndModeMayNotContradict) {
  EXPECT_EQ(Plan({{"task", "text"}, {"mode", "plain_ocr"}})->mode->name, "plain_ocr");
  EXPECT_THAT(ErrorOf({{"task", "markdown"}, {"mode", "describe"}}), HasSubstr("different things"));
  EXPECT_THAT(ErrorOf({{"task", "tiny"}}), HasSubstr("task: there is no 'tiny'"));
  EXPECT_THAT(ErrorOf({{"mode", "tables"}}), HasSubstr("there is markdown, plain_ocr"));
}

TEST(OcrRequestTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(ErrorOf({{"mode", "find_ref"}}), HasSubstr("find_term"));
  EXPECT_THAT(ErrorOf({{"mode", "find_ref"}, {"find_term", "  "}}), HasSubstr("what to look for"));
  EXPECT_THAT(ErrorOf({{"mode", "freeform"}}), HasSubstr("prompt"));
  EXPECT_THAT(ErrorOf({{"mode", "freeform"}, {"prompt", "<image>\n"}}), HasSubstr("prompt"));
  EXPECT_THAT(PlanOcr(OcrRequest(), nullptr).status().message(), HasSubstr("image"));
}

TEST(OcrRequestTest, FormsSendEverythingAsText) {
  const auto plan = Plan({{"max_tokens", "7"},
                          {"temperature", "0.5"},
                          {"seed", "3"},
                          {"ngram_size", "20"},
                          {"window_size", "50"},
                          {"timeout_ms", "1500"},
                          {"include_caption", "on"},
                          {"schema", R"({"Total": ""})"},
                          {"mode", "kv_json"},
                          {"prompt", ""}});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const SamplingParams& sampling = plan->read.sampling;
  EXPECT_EQ(sampling.max_tokens, 7);
  EXPECT_FLOAT_EQ(sampling.temperature, 0.5F);
  EXPECT_EQ(sampling.seed, 3U);
  EXPECT_EQ(sampling.no_repeat_ngram_size, 20);
  EXPECT_EQ(sampling.no_repeat_ngram_window, 50);
  EXPECT_EQ(plan->read.timeout.count(), 1500);
  EXPECT_TRUE(plan->schema.contains("Total"));
  ASSERT_TRUE(plan->caption.has_value());
  EXPECT_EQ(PromptText(*plan->caption), "\nDescribe this image in detail.");
  EXPECT_THAT(plan->ignored, IsEmpty());
}

TEST(OcrRequestTest, WrongTypesAreNamed) {
  for (const char* name : {"max_tokens", "base_size", "seed", "temperature", "timeout_ms"}) {
    EXPECT_THAT(ErrorOf({{name, "many"}}), HasSubstr(name));
    EXPECT_THAT(ErrorOf({{name, "1e999"}}), HasSubstr(name));
  }
  for (const char* name : {"grounding", "crop_mode", "include_caption"}) {
    EXPECT_THAT(ErrorOf({{name, "maybe"}}), HasSubstr(name));
    EXPECT_THAT(ErrorOf({{name, 3}}), HasSubstr(name));
  }
  EXPECT_THAT(ErrorOf({{"timeout_ms", -1}}), HasSubstr("timeout_ms"));
  EXPECT_THAT(ErrorOf({{"mode", 3}}), HasSubstr("mode"));
  EXPECT_THAT(ErrorOf({{"schema", "{"}}), HasSubstr("schema"));
  EXPECT_THAT(ErrorOf({{"schema", "3"}}), HasSubstr("schema"));
  EXPECT_THAT(ErrorOf({{"schema", json::array({std::vector<int>(5000)})}}), HasSubstr("4096"));
  EXPECT_THAT(ErrorOf({{"schema", std::string(300'000, ' ')}}), HasSubstr("262144"));
  EXPECT_FALSE(ParseOcrFields(json::array()).ok());
}

TEST(OcrRequestTest, SchemasKeepTheirOrder) {
  const std::string text = R"({"schema": {"z": "", "a": {"y": 1, "b": 2}}, "mode": "kv_json"})";
  json fields = json::parse(text);
  KeepSchemaOrder(text, fields);
  const auto request = ParseOcrFields(fields);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->schema.dump(), R"({"z":"","a":{"y":1,"b":2}})");
  json others = {{"mode", "markdown"}, {"schema", "[3, 1]"}};
  const json before = others;
  KeepSchemaOrder(text, others);  // a text already
  EXPECT_EQ(others, before);
}

TEST(OcrRequestTest, WhatMeansNothingIsListed) {
  const auto plan = Plan({{"mode", "markdown"},
                          {"prompt", "x"},
                          {"find_term", "y"},
                          {"schema", json::object()},
                          {"test_compress", "false"},
                          {"format", "json"}});
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->ignored, ElementsAre("test_compress", "prompt", "find_term", "schema"));
}

TEST(OcrRequestTest, Images) {
  const auto bytes_of = [](const json& fields) {
    const auto request = ParseOcrFields(fields);
    if (!request.ok()) return "error: " + request.status().message();
    return request->image.bytes == nullptr ? request->image.url : *request->image.bytes;
  };
  EXPECT_EQ(bytes_of({{"image", kImage}}), "image file");
  EXPECT_EQ(bytes_of({{"image", "data:image/png;base64," + kImage}}), "image file");
  EXPECT_EQ(bytes_of({{"image_url", {{"url", "data:image/png;base64," + kImage}}}}), "image file");
  EXPECT_EQ(bytes_of({{"image_url", "https://example.org/a.png"}}), "https://example.org/a.png");
  EXPECT_THAT(bytes_of({{"image_url", kImage}}), HasSubstr("image_url: expected"));
  EXPECT_THAT(bytes_of({{"image", "file:///etc/passwd"}}), HasSubstr("image: expected"));
  EXPECT_THAT(bytes_of({{"image", "!!!"}}), HasSubstr("image: base64"));
  EXPECT_THAT(bytes_of({{"image", 3}}), HasSubstr("image: expected a string"));
  EXPECT_THAT(bytes_of({{"image", kImage}, {"image_url", "https://example.org/a.png"}}),
              HasSubstr("two images"));
}

TEST(OcrFieldsTest, PagesAndResolution) {
  const auto parse = [](const nlohmann::json& fields) { return ParseOcrFields(fields); };
  const std::vector<PageRange> wanted = {{0, 2}, {6, 6}};
  EXPECT_EQ(parse({{"pages", "1-3,7"}})->pages, wanted);
  EXPECT_EQ(parse({{"pages", {7}}})->pages.front(), (PageRange{6, 6}));
  EXPECT_EQ(parse({{"pages", 7}})->pages.front(), (PageRange{6, 6}));
  EXPECT_TRUE(parse({{"pages", ""}})->pages.empty());
  EXPECT_EQ(parse({{"dpi", "200"}})->image.dpi, 200);
  for (const nlohmann::json& pages : {nlohmann::json(0), nlohmann::json(true), nlohmann::json("x"),
                                      nlohmann::json({0}), nlohmann::json::object()}) {
    EXPECT_THAT(parse({{"pages", pages}}).status().message(), HasSubstr("pages"));
  }
}

}  // namespace
}  // namespace mao
