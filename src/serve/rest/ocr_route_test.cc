// POST /api/ocr: every way to send a page, every form of the answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rest/rest_client_for_test.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

const std::string kPage =
    "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 499]]<|/det|>\n# 年度报告\n\n"
    "<|ref|>text<|/ref|><|det|>[[0, 500, 999, 999]]<|/det|>\nText.";

std::string FormPart(const std::string& name, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string FilePart(const std::string& name, const std::string& bytes) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name +
         "\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + bytes + "\r\n";
}

class OcrRouteTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.backend().AnswerTo("markdown", kPage);
    client_.backend().AnswerTo("Free OCR", "一页文字");
    client_.backend().AnswerTo("seal", "red");
  }

  RestResponse PostForm(const std::string& parts, const std::string& target = "/api/ocr") {
    return client_.Send(
        client_.Request("POST", target, "multipart/form-data; boundary=b", parts + "--b--\r\n"));
  }
  RestResponse PostFile(const std::string& target, const std::string& type = "image/png") {
    return client_.Send(client_.Request("POST", target, type, page_));
  }

  RestClient client_;
  const std::string page_ = WhitePage(200, 100);
};

TEST_F(OcrRouteTest, Form) {
  for (const char* name : {"image", "file"}) {
    const RestResponse response =
        PostForm(FormPart("mode", "markdown") + FilePart(name, page_) + FormPart("prompt", ""));
    EXPECT_EQ(response.status, 200) << response.body;
    const auto body = response.json();
    EXPECT_EQ(body["success"], true);
    EXPECT_EQ(body["text"], "# 年度报告\n\nText.");
    EXPECT_EQ(body["raw_text"], kPage);
    EXPECT_EQ(body["boxes"][0]["box"].dump(), "[0,0,200,49]");
    EXPECT_EQ(body["image_dims"].dump(), R"({"w":200,"h":100})");
    EXPECT_EQ(body["metadata"]["mode"], "markdown");
    EXPECT_EQ(body["metadata"]["request_id"], "r1");
    EXPECT_EQ(body["metadata"]["finish_reason"], "stop");
    EXPECT_FALSE(body["metadata"].contains("ignored"));
  }
}

TEST_F(OcrRouteTest, AFileAloneWithAQuery) {
  for (const char* type : {"image/png", "application/octet-stream", "Image/Webp; x=y"}) {
    const auto body = PostFile("/api/ocr?mode=plain_ocr&size=tiny", type).json();
    EXPECT_EQ(body["text"], "一页文字") << type;
    EXPECT_EQ(body["metadata"]["size"], "tiny");
    EXPECT_EQ(body["metadata"]["base_size"], 512);
  }
}

TEST_F(OcrRouteTest, Json) {
  const auto text_of = [&](const nlohmann::json& fields) {
    const RestResponse response = client_.PostJson("/api/ocr", fields);
    return response.status == 200 ? response.json()["text"].get<std::string>() : response.body;
  };
  EXPECT_EQ(text_of({{"image", PageBase64()}, {"mode", "plain_ocr"}}), "一页文字");
  EXPECT_EQ(text_of({{"image", "data:image/png;base64," + PageBase64()}, {"mode", "text"}}),
            "一页文字");
  EXPECT_EQ(text_of({{"image_url", {{"url", "data:image/png;base64," + PageBase64()}}},
                     {"prompt", "Read the seal."}}),
            "red");
}

TEST_F(OcrRouteTest, ImagesByAddress) {
  RestClient client([&](const std::string& url, auto, const auto&) -> Result<std::string> {
    if (url == "https://example.org/a.png") return page_;
    return NotFoundError(url + ": not there");
  });
  client.backend().AnswerTo("Free OCR", "x");
  const nlohmann::json good = {{"image_url", "https://example.org/a.png"}, {"mode", "text"}};
  EXPECT_EQ(client.PostJson("/api/ocr", good).json()["text"], "x");
  EXPECT_EQ(client_.PostJson("/api/ocr", good).status, 400);  // switched off
}

TEST_F(OcrRouteTest, TheBodyWinsOverTheQuery) {
  const auto body =
      PostForm(FormPart("mode", "plain_ocr") + FilePart("image", page_), "/api/ocr?mode=markdown")
          .json();
  EXPECT_EQ(body["metadata"]["mode"], "plain_ocr");
}

TEST_F(OcrRouteTest, Formats) {
  const RestResponse markdown = PostFile("/api/ocr?format=markdown");
  EXPECT_EQ(markdown.content_type, "text/markdown; charset=utf-8");
  EXPECT_EQ(markdown.body, "# 年度报告\n\nText.");
  const RestResponse text = PostFile("/api/ocr?format=text");
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(text.body, "年度报告\n\nText.");
  EXPECT_EQ(PostFile("/api/ocr?format=json").content_type, "application/json");
  const RestResponse wrong = PostFile("/api/ocr?format=pdf");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("json, markdown, text"));
}

TEST_F(OcrRouteTest, ServerSentEvents) {
  HttpRequest request = client_.Request("POST", "/api/ocr?mode=plain_ocr", "image/png", page_);
  request.headers.emplace_back("Accept", "text/event-stream");
  const RestResponse response = client_.Send(request);
  EXPECT_EQ(response.content_type, "text/event-stream; charset=utf-8");
  EXPECT_THAT(response.body, StartsWith("event: text\ndata: {\"text\":\"一页文\"}\n\n"
                                        "event: text\ndata: {\"text\":\"字\"}\n\nevent: page\n"
                                        "data: {\"success\":true,\"text\":\"一页文字\""));
  EXPECT_THAT(response.body,
              HasSubstr("\n\nevent: done\ndata: {\"success\":true,\"pages\":1,\"usage\":"
                        "{\"prompt_tokens\":10,\"completion_tokens\":2}}\n\n"));
}

TEST_F(OcrRouteTest, JsonLines) {
  const RestResponse response =
      client_.PostJson("/api/ocr", {{"image", PageBase64()}, {"mode", "text"}, {"stream", true}});
  EXPECT_EQ(response.content_type, "application/x-ndjson");
  std::vector<std::string> events;
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    events.push_back(nlohmann::json::parse(line)["event"]);
  }
  EXPECT_THAT(events, ElementsAre("text", "text", "page", "done"));
  EXPECT_EQ(PostFile("/api/ocr?stream=true&format=text").status, 400);
}

TEST_F(OcrRouteTest, ErrorsComeInTheEnvelope) {
  const auto check = [](const RestResponse& response, int status, const std::string& message) {
    EXPECT_EQ(response.status, status) << response.body;
    const auto body = response.json();
    EXPECT_EQ(body["success"], false);
    EXPECT_THAT(body["error"]["message"].get<std::string>(), HasSubstr(message));
    EXPECT_TRUE(body["error"]["code"].is_string());
  };
  check(PostFile("/api/ocr?mode=nonsense"), 400, "there is no 'nonsense'");
  check(PostFile("/api/ocr?model=other"), 404, "fake-ocr");
  check(PostFile("/api/ocr", "text/html"), 415, "multipart/form-data");
  check(PostFile("/api/ocr", ""), 415, "multipart/form-data");
  check(PostForm(FormPart("mode", "markdown")), 400, "image: there is none");
  check(PostForm(FilePart("image", page_) + FilePart("file", page_)), 400, "two images");
  check(PostForm(FormPart("mode", "a") + FormPart("mode", "b")), 400, "mode: comes twice");
  check(PostForm(FilePart("image", "")), 400, "a.png: the file is empty");
  check(client_.Send(client_.Request("POST", "/api/ocr", "multipart/form-data", "x")), 400,
        "boundary");
  check(client_.Send(client_.Request("POST", "/api/ocr", "multipart/form-data; boundary=b",
                                     FilePart("image", page_))),
        400, "cut off");
  check(client_.Send(client_.Request("POST", "/api/ocr", "application/json", "{")), 400, "JSON");
  check(client_.Send(client_.Request("POST", "/api/ocr", "application/json", "[]")), 400, "object");
  check(client_.Send(client_.Request("POST", "/api/ocr", "image/png", "no image")), 400, "image");
  check(client_.Send(client_.Request("POST", "/api/ocr", "application/pdf", "%PDF-1.4")), 422,
        "PDF");
  check(client_.Send(client_.Request("POST", "/api/ocr", "image/png", page_.substr(0, 60))), 422,
        "image");
  client_.backend().FailWith(ResourceExhaustedError("full"));
  const RestResponse full = PostFile("/api/ocr?seed=1");
  check(full, 429, "full");
  EXPECT_FALSE(FindHeader(full.headers, "Retry-After").empty());
}

TEST_F(OcrRouteTest, AnErrorInTheMiddleOfAStream) {
  client_.backend().Hold();
  HttpRequest request =
      client_.Request("POST", "/api/ocr?stream=true&mode=text", "image/png", page_);
  RestExchange exchange(request);
  client_.Handle(exchange.exchange());
  exchange.WaitForBody();
  client_.service().Stop();
  const RestResponse response = exchange.Wait();
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"({"event":"error","success":false,"error":{"message":)"));
}

TEST_F(OcrRouteTest, AClientThatGoesAwayStopsItsPage) {
  client_.backend().Hold();
  RestExchange exchange(
      client_.Request("POST", "/api/ocr?stream=true&mode=text", "image/png", page_));
  client_.Handle(exchange.exchange());
  exchange.WaitForBody();
  exchange.exchange()->Disconnect();
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(10)));
}

TEST_F(OcrRouteTest, TheCacheAndItsBypass) {
  EXPECT_EQ(PostFile("/api/ocr").json()["metadata"]["from_cache"], false);
  EXPECT_EQ(PostFile("/api/ocr").json()["metadata"]["from_cache"], true);
  // The same reading serves another mode.
  EXPECT_EQ(PostFile("/api/ocr?mode=tables_csv").json()["metadata"]["from_cache"], true);
  HttpRequest request = client_.Request("POST", "/api/ocr", "image/png", page_);
  request.headers.emplace_back("Cache-Control", "no-cache");
  EXPECT_EQ(client_.Send(request).json()["metadata"]["from_cache"], false);
  EXPECT_THAT(client_.backend().requests(), SizeIs(2));
}

TEST_F(OcrRouteTest, LegacyFormFields) {
  const auto body = PostForm(FilePart("image", page_) + FormPart("mode", "plain_ocr") +
                             FormPart("grounding", "false") + FormPart("include_caption", "false") +
                             FormPart("find_term", "") + FormPart("schema", "") +
                             FormPart("base_size", "1024") + FormPart("image_size", "640") +
                             FormPart("crop_mode", "true") + FormPart("test_compress", "false"))
                        .json();
  EXPECT_EQ(body["metadata"]["size"], "gundam");
  EXPECT_EQ(body["metadata"]["ignored"].dump(), R"(["test_compress"])");
}

}  // namespace
}  // namespace mao
