// POST /v1/ocr in the shape of Mistral's API.
#include "serve/rest/mistral.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rest/rest_client_for_test.h"
#include "vision/decode.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kPage =
    "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 99]]<|/det|>\n# 报告\n\n"
    "<|ref|>image<|/ref|><|det|>[[0, 100, 499, 499]]<|/det|>\n\n"
    "<|ref|>image<|/ref|><|det|>[[0, 500, 99, 599]]<|/det|>\n\n"
    "<|ref|>table<|/ref|><|det|>[[0, 600, 999, 999]]<|/det|>\n"
    "<table><tr><td>a</td><td>b</td></tr></table>";

json Body(const json& more = json::object()) {
  json body = {{"model", "mistral-ocr-latest"},
               {"document",
                {{"type", "image_url"}, {"image_url", "data:image/png;base64," + PageBase64()}}}};
  body.update(more);
  return body;
}

class MistralTest : public testing::Test {
 protected:
  void SetUp() override { client_.backend().AnswerTo("markdown", kPage); }

  RestClient client_;
};

TEST_F(MistralTest, APage) {
  const RestResponse response = client_.PostJson("/v1/ocr", Body());
  EXPECT_EQ(response.status, 200);
  const size_t size = WhitePage(200, 100).size();
  EXPECT_EQ(response.json().dump(1), R"({
 "pages": [
  {
   "index": 0,
   "markdown": "# 报告\n\n![img-0.jpeg](img-0.jpeg)\n\n![img-1.jpeg](img-1.jpeg)\n\n<table><tr><td>a</td><td>b</td></tr></table>",
   "images": [
    {
     "id": "img-0.jpeg",
     "top_left_x": 0,
     "top_left_y": 10,
     "bottom_right_x": 99,
     "bottom_right_y": 49,
     "image_base64": null,
     "image_annotation": null
    },
    {
     "id": "img-1.jpeg",
     "top_left_x": 0,
     "top_left_y": 50,
     "bottom_right_x": 19,
     "bottom_right_y": 59,
     "image_base64": null,
     "image_annotation": null
    }
   ],
   "tables": [],
   "hyperlinks": [],
   "header": null,
   "footer": null,
   "dimensions": {
    "dpi": 72,
    "height": 100,
    "width": 200
   }
  }
 ],
 "model": "fake-ocr",
 "document_annotation": null,
 "usage_info": {
  "pages_processed": 1,
  "doc_size_bytes": )" + std::to_string(size) +
                                         "\n }\n}");
}

TEST_F(MistralTest, FiguresAreCutOut) {
  const auto images = client_.PostJson("/v1/ocr", Body({{"include_image_base64", true}}))
                          .json()["pages"][0]["images"];
  const std::string uri = images[0]["image_base64"];
  EXPECT_THAT(uri, StartsWith("data:image/jpeg;base64,"));
  const std::string file = DecodeDataUri(uri).value();
  const auto image = DecodeImage(std::as_bytes(std::span(file)), "crop");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->width, 99);
  EXPECT_EQ(image->height, 39);
}

TEST_F(MistralTest, FiguresCanBeLimited) {
  const auto count = [&](const json& more) {
    return client_.PostJson("/v1/ocr", Body(more)).json()["pages"][0]["images"].size();
  };
  EXPECT_EQ(count({{"image_limit", 1}}), 1U);
  EXPECT_EQ(count({{"image_limit", 0}}), 0U);
  EXPECT_EQ(count({{"image_min_size", 20}}), 1U);
  EXPECT_EQ(count({{"image_min_size", 100}}), 0U);
}

TEST_F(MistralTest, FiguresOfImagesByAddress) {
  int num_fetches = 0;
  RestClient client([&](const std::string&, auto, const auto&) -> Result<std::string> {
    return ++num_fetches < 4 ? WhitePage(200, 100) : WhitePage(100, 100);
  });
  client.backend().AnswerTo("markdown", kPage);
  const json body = Body({{"document", {{"document_url", "https://example.org/a.png"}}},
                          {"include_image_base64", true}});
  const auto first = client.PostJson("/v1/ocr", body).json();
  EXPECT_TRUE(first["pages"][0]["images"][0]["image_base64"].is_string());
  EXPECT_TRUE(first["usage_info"]["doc_size_bytes"].is_null());
  const RestResponse changed = client.PostJson("/v1/ocr", body);
  EXPECT_EQ(changed.status, 503);
  EXPECT_THAT(changed.body, HasSubstr("changed while it was read"));
}

TEST_F(MistralTest, TablesCanBeTakenOut) {
  const auto html =
      client_.PostJson("/v1/ocr", Body({{"table_format", "html"}})).json()["pages"][0];
  EXPECT_THAT(html["markdown"].get<std::string>(), HasSubstr("\n\n[tbl-0.html](tbl-0.html)"));
  EXPECT_EQ(html["tables"].dump(),
            R"([{"id":"tbl-0.html","content":"<table><tr><td>a</td><td>b</td></tr></table>",)"
            R"("format":"html"}])");
  const auto markdown =
      client_.PostJson("/v1/ocr", Body({{"table_format", "markdown"}})).json()["pages"][0];
  EXPECT_EQ(markdown["tables"][0]["content"], "| a | b |\n| --- | --- |\n");
  EXPECT_EQ(markdown["tables"][0]["id"], "tbl-0.md");
}

TEST_F(MistralTest, Pages) {
  const auto status = [&](const json& pages) {
    return client_.PostJson("/v1/ocr", Body({{"pages", pages}})).status;
  };
  for (const json& pages : {json(nullptr), json{0}, json{3, 0}, json::array(), json("0"),
                            json("0-2,5"), json("4,0"), json("0-"), json("")}) {
    EXPECT_EQ(status(pages), 200) << pages;
  }
  for (const json& pages : {json{1}, json("1-2"), json("a"), json("0,"), json("0-x"), json(true)}) {
    EXPECT_EQ(status(pages), 400) << pages;
  }
}

TEST_F(MistralTest, Pdf) {
  const std::vector<std::string> boxes(4, "/MediaBox[0 0 72 36]");
  const std::string uri = "data:application/pdf;base64," + EncodeBase64(PdfOfPages(boxes));
  const json more = {{"document", {{"type", "document_url"}, {"document_url", uri}}},
                     {"pages", {1, 3, 9}},
                     {"include_image_base64", true}};
  const auto body = client_.PostJson("/v1/ocr", Body(more)).json();
  ASSERT_EQ(body["pages"].size(), 2U) << body;
  EXPECT_EQ(body["pages"][0]["index"], 1);
  EXPECT_EQ(body["pages"][1]["index"], 3);
  EXPECT_EQ(body["pages"][1]["dimensions"].dump(), R"({"dpi":144,"height":72,"width":144})");
  EXPECT_EQ(body["usage_info"]["pages_processed"], 2);
  // Figures of several pages have names of their own.
  EXPECT_EQ(body["pages"][1]["images"][0]["id"], "img-3-0.jpeg");
  EXPECT_THAT(body["pages"][1]["markdown"].get<std::string>(), HasSubstr("(img-3-0.jpeg)"));
  EXPECT_TRUE(body["pages"][1]["images"][0]["image_base64"].is_string());
}

TEST_F(MistralTest, BrokenPdf) {
  const std::string uri = "data:application/pdf;base64," + EncodeBase64("%PDF-1.7");
  const RestResponse response =
      client_.PostJson("/v1/ocr", Body({{"document", {{"document_url", uri}}}}));
  EXPECT_EQ(response.status, 422);
  EXPECT_THAT(response.body, HasSubstr("document.document_url: the PDF is broken"));
}

TEST_F(MistralTest, Errors) {
  const auto check = [&](const json& more, const std::string& message) {
    const RestResponse response = client_.PostJson("/v1/ocr", Body(more));
    EXPECT_EQ(response.status, 400) << response.body;
    EXPECT_THAT(response.json()["error"]["message"].get<std::string>(), HasSubstr(message));
  };
  check({{"document", nullptr}}, "document");
  check({{"document", json::object()}}, "document_url or image_url");
  check({{"document", {{"type", "file"}, {"file_id", "x"}}}}, "file_id");
  check({{"document", {{"document_url", 3}}}}, "document.document_url");
  check({{"document", {{"image_url", "ftp://x"}}}}, "document.image_url");
  check({{"table_format", "csv"}}, "table_format");
  check({{"image_limit", -1}}, "image_limit");
  check({{"document_annotation_format", json::object()}}, "annotate");
  EXPECT_EQ(client_.PostJson("/v1/ocr", Body({{"model", "other"}})).status, 404);
  EXPECT_EQ(client_.PostJson("/v1/ocr", json::array()).status, 400);
  EXPECT_EQ(
      client_
          .PostJson("/v1/ocr",
                    Body({{"document",
                           {{"image_url", {{"url", "data:image/png;base64," + PageBase64()}}}}}}))
          .status,
      200);
}

}  // namespace
}  // namespace mao
