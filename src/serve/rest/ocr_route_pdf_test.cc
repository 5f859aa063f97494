// POST /api/ocr with PDF files.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/http/local_client.h"
#include "serve/rest/rest_client_for_test.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kPageSplit = "\n\n<--- Page Split --->\n";

class OcrRoutePdfTest : public testing::Test {
 protected:
  void SetUp() override { client_.backend().AnswerTo("Free OCR", "一页文字"); }

  RestResponse Post(const std::string& query, const std::string& type = "application/pdf") {
    return client_.Send(client_.Request("POST", "/api/ocr?mode=plain_ocr" + query, type, pdf_));
  }

  RestClient client_;
  const std::string pdf_ = PdfOfPages(std::vector<std::string>(3, "/MediaBox[0 0 72 36]"));
};

TEST_F(OcrRoutePdfTest, AFileAlone) {
  for (const char* type : {"application/pdf", "application/octet-stream", "image/png"}) {
    const auto body = Post("&pages=1,3", type).json();
    EXPECT_EQ(body["success"], true) << body;
    EXPECT_EQ(body["text"], "一页文字" + std::string(kPageSplit) + "一页文字" + kPageSplit);
    EXPECT_EQ(body["raw_text"], body["text"]);
    ASSERT_THAT(body["pages"], SizeIs(2));
    EXPECT_EQ(body["pages"][1]["page"], 3);
    EXPECT_EQ(body["pages"][1]["text"], "一页文字");
    EXPECT_EQ(body["pages"][1]["image_dims"].dump(), R"({"w":144,"h":72})");
    EXPECT_EQ(body["metadata"]["pages_total"], 3);
    EXPECT_EQ(body["metadata"]["pages_read"], 2);
    EXPECT_EQ(body["metadata"]["pages_failed"], 0);
    EXPECT_EQ(body["metadata"]["request_id"], "r1");
    EXPECT_FALSE(body["metadata"].contains("ignored"));
  }
}

TEST_F(OcrRoutePdfTest, FormAndJson) {
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n" + pdf_ +
      "\r\n--b\r\nContent-Disposition: form-data; name=\"pages\"\r\n\r\n2-\r\n--b\r\n"
      "Content-Disposition: form-data; name=\"dpi\"\r\n\r\n72\r\n--b--\r\n";
  const auto sent =
      client_.Send(client_.Request("POST", "/api/ocr", "multipart/form-data; boundary=b", form))
          .json();
  ASSERT_THAT(sent["pages"], SizeIs(2)) << sent;
  EXPECT_EQ(sent["pages"][0]["image_dims"]["w"], 72);
  EXPECT_EQ(sent["metadata"]["dpi"], 72);
  const auto body = client_
                        .PostJson("/api/ocr", {{"image", EncodeBase64(pdf_)},
                                               {"pages", {2}},
                                               {"page_pictures", true},
                                               {"mode", "plain_ocr"}})
                        .json();
  ASSERT_THAT(body["pages"], SizeIs(1)) << body;
  EXPECT_THAT(body["pages"][0]["page_picture"].get<std::string>(),
              testing::StartsWith("data:image/jpeg;base64,"));
}

TEST_F(OcrRoutePdfTest, TextFormats) {
  EXPECT_EQ(Post("&pages=2&format=text").body, "一页文字" + std::string(kPageSplit));
  EXPECT_EQ(Post("&pages=2&format=markdown").body, "一页文字" + std::string(kPageSplit));
}

TEST_F(OcrRoutePdfTest, Stream) {
  std::vector<std::string> events;
  std::istringstream lines(Post("&stream=true").body);
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event["event"] == "progress") continue;
    const std::string name =
        event["event"].get<std::string>() + (event.contains("page") ? event["page"].dump() : "");
    if (events.empty() || events.back() != name) events.push_back(name);
  }
  EXPECT_THAT(events, ElementsAre("text1", "page1", "text2", "page2", "text3", "page3", "done"));
  EXPECT_THAT(Post("&stream=true").body,
              HasSubstr(R"({"event":"progress","pages_done":3,"pages_total":3})"));
}

TEST_F(OcrRoutePdfTest, Progress) {
  Router router;
  AddRestRoutes(client_.service(), {"1", nullptr}, router);
  int64_t total = 0;
  int64_t done = 0;
  const HttpResponse response =
      PerformLocally(router, client_.Request("POST", "/api/ocr", "application/pdf", pdf_), {}, {},
                     [&](int64_t num_done, int64_t num_total) {
                       EXPECT_GE(num_done, done);
                       done = num_done;
                       total = num_total;
                     });
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(done, 3);
  EXPECT_EQ(total, 3);
}

TEST_F(OcrRoutePdfTest, Errors) {
  const auto check = [](const RestResponse& response, int status, const std::string& message) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_THAT(response.json()["error"]["message"].get<std::string>(), HasSubstr(message));
  };
  check(Post("&pages=4"), 400, "pages: there is no page 4; the document has 3");
  check(Post("&pages=x"), 400, "pages: expected numbers from 1");
  check(Post("&dpi=10"), 400, "dpi: 10; the limits are 36 and 600");
  check(client_.Send(client_.Request("POST", "/api/ocr", "application/pdf", "%PDF-1.4 nothing")),
        422, "the PDF is broken");
  check(client_.Send(client_.Request("POST", "/api/ocr?pages=2", "image/png", WhitePage(20, 20))),
        400, "no page 2");
}

}  // namespace
}  // namespace mao
