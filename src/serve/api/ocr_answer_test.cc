#include "serve/api/ocr_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string Block(const std::string& label, const std::string& box, const std::string& text) {
  return "<|ref|>" + label + "<|/ref|><|det|>[[" + box + "]]<|/det|>\n" + text + "\n\n";
}

// A page of 1000 x 500 pixels on which the model read this.
Generation Read(std::string text) {
  Generation generation;
  generation.model = "fake-ocr";
  generation.engine = "vllm_direct";
  generation.text = std::move(text);
  generation.stop_reason = StopReason::kEndOfText;
  generation.image_mode = "gundam";
  generation.image_width = 1000;
  generation.image_height = 500;
  generation.stats.num_prompt_tokens = 10;
  generation.stats.num_output_tokens = 5;
  return generation;
}

OcrPlan Plan(json fields) {
  fields["image"] = EncodeBase64("image");
  return PlanOcr(*ParseOcrFields(std::move(fields)), nullptr).value();
}

OcrAnswer Answer(const json& fields, const std::string& raw_text) {
  return MakeOcrAnswer(Plan(fields), Read(raw_text), nullptr, nullptr);
}

TEST(OcrAnswerTest, Markdown) {
  const OcrAnswer answer =
      Answer({{"mode", "markdown"}}, Block("title", "0, 0, 999, 99", "# 报告") +
                                         Block("image", "0, 100, 499, 499", "") +
                                         Block("text", "0, 500, 999, 999", "Text."));
  EXPECT_EQ(answer.text, "# 报告\n\n![](images/0.jpg)\n\nText.");
  ASSERT_THAT(answer.boxes, SizeIs(3));
  EXPECT_EQ(answer.boxes[0].label, "title");
  EXPECT_EQ(answer.boxes[0].text, "# 报告");
  EXPECT_EQ(answer.boxes[0].box, (PixelBox{0, 0, 1000, 49}));
  EXPECT_EQ(answer.boxes[0].norm_box, (NormBox{0, 0, 999, 99}));
  EXPECT_TRUE(answer.data.is_null());
}

TEST(OcrAnswerTest, TextWithBoxesMayStandInTheLabels) {
  EXPECT_EQ(Answer({{"mode", "ocr"}},
                   "<|ref|>第一行<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"
                   "<|ref|>line two<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>")
                .text,
            "第一行\nline two");
  EXPECT_EQ(Answer({{"mode", "ocr"}}, Block("text", "1, 2, 3, 4", "one")).text, "one");
  EXPECT_EQ(Answer({{"mode", "plain_ocr"}}, " one\n\ntwo ").text, "one\n\ntwo");
  EXPECT_EQ(Answer({{"mode", "plain_ocr"}}, "").text, "");
}

const std::string kTwoTables =
    Block("text", "0, 0, 9, 9", "before") +
    Block("table", "0, 10, 999, 99",
          "<table><tr><td rowspan=\"2\">a, b</td><td>1</td></tr><tr><td>2</td></tr></table>") +
    Block("table", "0, 100, 999, 199", "<table><tr><td>项目</td><td>x|y</td></tr></table>");

TEST(OcrAnswerTest, TablesAsCsv) {
  const OcrAnswer answer = Answer({{"mode", "tables_csv"}}, kTwoTables);
  EXPECT_EQ(answer.text, "\"a, b\",1\r\n\"a, b\",2\r\n---\r\n项目,x|y\r\n");
  EXPECT_EQ(answer.data.dump(), R"([[["a, b","1"],["a, b","2"]],[["项目","x|y"]]])");
  EXPECT_THAT(answer.boxes, SizeIs(2));
}

TEST(OcrAnswerTest, TablesAsMarkdown) {
  const OcrAnswer answer = Answer({{"mode", "tables_md"}}, kTwoTables);
  EXPECT_EQ(answer.text,
            "| a, b | 1 |\n| --- | --- |\n|  | 2 |\n\n---\n\n| 项目 | x\\|y |\n| --- | --- |\n");
  const OcrAnswer none = Answer({{"mode", "tables_md"}}, Block("text", "0, 0, 9, 9", "no table"));
  EXPECT_EQ(none.text, "");
  EXPECT_EQ(none.data.dump(), "[]");
  EXPECT_THAT(none.boxes, IsEmpty());
}

const std::string kInvoice =
    Block("text", "0, 0, 9, 9", "Invoice No: 42\n发票号码：8888") +
    Block("table", "0, 10, 9, 99",
          "<table><tr><td>Seller name</td><td>猫公司</td></tr><tr><td>Total</td><td>$ 7</td></tr>"
          "</table>");

TEST(OcrAnswerTest, KeyValuesWithoutASchema) {
  const OcrAnswer answer = Answer({{"mode", "kv_json"}}, kInvoice);
  EXPECT_EQ(answer.text,
            R"({"Invoice No":"42","发票号码":"8888","Seller name":"猫公司","Total":"$ 7"})");
  EXPECT_EQ(answer.data.dump(), answer.text);
  EXPECT_EQ(answer.method, "lines and tables of two columns");
}

TEST(OcrAnswerTest, KeyValuesOfASchema) {
  const OcrAnswer example = Answer(
      {{"mode", "kv_json"},
       {"schema", R"({"invoice_no": "", "seller": {"SELLER NAME": ""}, "Due": "", "items": []})"}},
      kInvoice);
  EXPECT_EQ(example.text,
            R"({"invoice_no":"42","seller":{"SELLER NAME":"猫公司"},"Due":null,"items":null})");
  EXPECT_THAT(example.missing, ElementsAre("Due", "items"));
  const OcrAnswer schema = Answer(
      {{"mode", "kv_json"},
       {"schema",
        R"({"type": "object", "properties": {"number": {"type": "string", "title": "发票 号码"},
            "nested": {"type": "object", "properties": {"total": {"type": "string"}, "x": {}}}}})"}},
      kInvoice);
  EXPECT_EQ(schema.text, R"({"number":"8888","nested":{"total":"$ 7","x":null}})");
  EXPECT_THAT(schema.missing, ElementsAre("nested.x"));
  EXPECT_EQ(Answer({{"mode", "kv_json"}, {"schema", {"total", "发票号码", 3}}}, kInvoice).text,
            R"({"total":"$ 7","发票号码":"8888"})");
}

TEST(OcrAnswerTest, PlacesThatTheModelGives) {
  const OcrPlan plan = Plan({{"mode", "find_ref"}, {"find_term", "Total"}});
  const Generation read =
      Read("<|ref|>Total<|/ref|><|det|>[[100, 0, 199, 99], [0, 0, 9, 9]]<|/det|>");
  EXPECT_FALSE(NeedsSearch(plan, read));
  const OcrAnswer answer = MakeOcrAnswer(plan, read, nullptr, nullptr);
  EXPECT_EQ(answer.method, "model");
  ASSERT_THAT(answer.boxes, SizeIs(2));
  EXPECT_EQ(answer.boxes[0].label, "Total");
  EXPECT_EQ(answer.boxes[0].box, (PixelBox{100, 0, 199, 49}));
  EXPECT_EQ(answer.text, "Total\nTotal");
}

TEST(OcrAnswerTest, PlacesFoundInTheText) {
  const OcrPlan plan = Plan({{"mode", "find_ref"}, {"find_term", "金额　TOTAL"}});
  // It answered with the page instead of the place.
  const Generation page = Read(Block("text", "0, 0, 9, 9", "other") +
                               Block("text", "0, 10, 999, 99", "总金额 total: 7"));
  EXPECT_FALSE(NeedsSearch(plan, page));
  const OcrAnswer direct = MakeOcrAnswer(plan, page, nullptr, nullptr);
  EXPECT_EQ(direct.method, "text");
  ASSERT_THAT(direct.boxes, SizeIs(1));
  EXPECT_EQ(direct.boxes[0].text, "总金额 total: 7");
  // It answered nothing: the page is read once more.
  const Generation nothing = Read("I do not know.");
  EXPECT_TRUE(NeedsSearch(plan, nothing));
  const OcrAnswer searched = MakeOcrAnswer(plan, nothing, nullptr, &page);
  EXPECT_EQ(searched.method, "text");
  EXPECT_THAT(searched.boxes, SizeIs(1));
  EXPECT_EQ(searched.num_generations, 2);
  EXPECT_EQ(searched.tokens.output, 10);
  EXPECT_EQ(MakeOcrAnswer(plan, nothing, nullptr, &nothing).method, "none");
}

TEST(OcrAnswerTest, Layout) {
  const OcrAnswer answer =
      Answer({{"mode", "layout_map"}}, "lead " + Block("title", "0, 0, 999, 99", "# T"));
  EXPECT_EQ(answer.text, R"([{"type":"title","box":[0,0,1000,49],"text":"# T"}])");
}

TEST(OcrAnswerTest, Redaction) {
  const std::string raw_text =
      "a@b.de " + Block("text", "0, 0, 999, 99", "# 电话 13812345678") +
      Block("table", "0, 100, 999, 199", "<table><tr><td>4111 1111 1111 1111</td></tr></table>") +
      "<|ref|>x@y.org<|/ref|><|det|>[[0, 200, 9, 209]]<|/det|>";
  const OcrAnswer answer = Answer({{"mode", "pii_redact"}}, raw_text);
  EXPECT_EQ(answer.text,
            "[EMAIL] \n# 电话 [PHONE]\n\n<table><tr><td>[CREDIT_CARD]</td></tr></table>");
  ASSERT_THAT(answer.boxes, SizeIs(3));  // the first stands in no block
  EXPECT_EQ(answer.boxes[0].label, "phone");
  EXPECT_EQ(answer.boxes[0].text, "13812345678");
  EXPECT_EQ(answer.boxes[0].box, (PixelBox{0, 0, 1000, 49}));
  EXPECT_EQ(answer.boxes[2].label, "email");
  EXPECT_EQ(answer.page.raw_text, raw_text);
}

TEST(OcrAnswerTest, Json) {
  Generation read = Read(Block("title", "0, 0, 999, 99", "# T"));
  read.timings.total_ms = 12.5;
  read.stop_reason = StopReason::kRepetition;
  OcrPlan plan = Plan({{"mode", "markdown"}, {"include_caption", true}, {"other", 1}});
  plan.read.context.request_id = "r1";
  const Generation caption = Read("A page.");
  auto body = OcrAnswerToJson(MakeOcrAnswer(plan, read, &caption, nullptr));
  for (auto& [name, value] : body["metadata"]["timings_ms"].items()) {
    if (name == "postprocess") value = 0;
  }
  EXPECT_EQ(body.dump(2), R"({
  "success": true,
  "text": "# T",
  "raw_text": "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 99]]<|/det|>\n# T\n\n",
  "caption": "A page.",
  "boxes": [
    {
      "label": "title",
      "text": "# T",
      "box": [
        0,
        0,
        1000,
        49
      ],
      "box_norm": [
        0,
        0,
        999,
        99
      ]
    }
  ],
  "image_dims": {
    "w": 1000,
    "h": 500
  },
  "metadata": {
    "mode": "markdown",
    "grounding": true,
    "size": "gundam",
    "base_size": 1024,
    "image_size": 640,
    "crop_mode": true,
    "finish_reason": "repetition",
    "tokens": {
      "prompt": 20,
      "image": 0,
      "output": 10
    },
    "generations": 2,
    "timings_ms": {
      "wait": 0.0,
      "fetch": 0.0,
      "decode": 0.0,
      "preprocess": 0.0,
      "queue": 0.0,
      "encode": 0.0,
      "prefill": 0.0,
      "generate": 0.0,
      "postprocess": 0,
      "first_output": 0.0,
      "total": 12.5
    },
    "model": "fake-ocr",
    "inference_engine": "vllm_direct",
    "request_id": "r1",
    "from_cache": false,
    "ignored": [
      "other"
    ]
  }
})");
}

}  // namespace
}  // namespace mao
