#include "serve/ws/ocr_protocol.h"

#include <chrono>
#include <future>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/ws/testing/recording_socket.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class OcrProtocolTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_.backend->AnswerTo("", "# Title\n\nA line of text.");
    CallContext context;
    context.request_id = "socket";
    session_ = OpenOcrSession(fake_.service, context, socket_);
  }

  void Send(const json& message) { session_->OnMessage(message.dump()); }
  json Page(const json& id) const {
    return {{"id", id}, {"image", EncodeBase64(WhitePage(32, 32))}, {"mode", "markdown"}};
  }
  // All messages up to the end of this page.
  std::vector<json> WaitForEnd(const json& id) {
    return socket_->WaitFor([&](const json& message) {
      return message.value("id", json()) == id &&
             (message["type"] == "result" || message["type"] == "error");
    });
  }
  void WaitForType(const std::string& type) {
    socket_->WaitFor([&](const json& message) { return message["type"] == type; });
  }
  static std::vector<std::string> TypesOf(const std::vector<json>& messages, const json& id) {
    std::vector<std::string> types;
    for (const json& message : messages) {
      if (message.value("id", json()) != id) continue;
      if (types.empty() || types.back() != message["type"]) types.push_back(message["type"]);
    }
    return types;
  }

  FakeService fake_;
  std::shared_ptr<RecordingSocket> socket_ = std::make_shared<RecordingSocket>();
  std::shared_ptr<WebSocketSession> session_;
};

TEST_F(OcrProtocolTest, TellsHowAPageGoes) {
  Send(Page("p1"));
  const std::vector<json> messages = WaitForEnd("p1");
  EXPECT_THAT(TypesOf(messages, "p1"), ElementsAre("accepted", "progress", "text", "result"));
  EXPECT_EQ(messages[1],
            json({{"id", "p1"}, {"type", "progress"}, {"stage", "reading"}, {"page", 1}}));
  std::string text;
  for (const json& message : messages) {
    if (message["type"] == "text") text += message["text"];
  }
  EXPECT_EQ(text, "# Title\n\nA line of text.");
  const json& result = messages.back()["result"];
  EXPECT_EQ(result["success"], true);
  EXPECT_EQ(result["text"], "# Title\n\nA line of text.");
  EXPECT_EQ(result["image_dims"], json({{"w", 32}, {"h", 32}}));
  EXPECT_EQ(fake_.backend->requests().front().context.request_id, "socket-1");
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(OcrProtocolTest, TellsHowADocumentGoes) {
  const std::vector<std::string> pages(2, "/MediaBox[0 0 72 36]");
  Send({{"id", "d"}, {"image", EncodeBase64(PdfOfPages(pages))}, {"mode", "markdown"}});
  const std::vector<json> messages = WaitForEnd("d");
  EXPECT_THAT(TypesOf(messages, "d"), ElementsAre("accepted", "progress", "text", "page",
                                                  "progress", "text", "page", "result"));
  EXPECT_EQ(messages[1],
            json({{"id", "d"}, {"type", "progress"}, {"stage", "opened"}, {"pages", 2}}));
  EXPECT_EQ(
      messages[2],
      json({{"id", "d"}, {"type", "progress"}, {"stage", "reading"}, {"page", 1}, {"pages", 2}}));
  EXPECT_EQ(messages[3]["page"], 1);
  const json& result = messages.back()["result"];
  EXPECT_EQ(result["pages"].size(), 2U);
  EXPECT_EQ(result["pages"][1]["text"], "# Title\n\nA line of text.");
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(OcrProtocolTest, SeveralPagesAtOnce) {
  fake_.backend->Hold();
  for (int id = 1; id <= 3; ++id) {
    json page = Page(id);
    page["max_tokens"] = 100 + id;  // none is answered from the cache
    Send(page);
  }
  EXPECT_FALSE(session_->is_idle());
  Send(Page(2));
  EXPECT_THAT(WaitForEnd(2).back()["error"]["message"], HasSubstr("with this id is being read"));
  fake_.backend->Release();
  std::set<json> done;
  while (done.size() < 3) {
    done.insert(socket_->WaitFor([](const json& m) { return m["type"] == "result"; }).back()["id"]);
  }
  EXPECT_EQ(done, (std::set<json>{1, 2, 3}));
  Send(Page(2));  // the id is free again
  EXPECT_EQ(WaitForEnd(2).back()["type"], "result");
}

TEST_F(OcrProtocolTest, CancelEndsOnePage) {
  fake_.backend->Hold();
  Send(Page("a"));
  WaitForType("text");
  json other = Page("b");
  other["max_tokens"] = 50;
  Send(other);
  WaitForType("text");
  Send({{"type", "cancel"}, {"id", "a"}});
  EXPECT_EQ(WaitForEnd("a").back()["error"]["code"], "cancelled");
  EXPECT_FALSE(session_->is_idle());
  fake_.backend->Release();
  EXPECT_EQ(WaitForEnd("b").back()["type"], "result");
  Send({{"type", "cancel"}, {"id", "a"}});
  EXPECT_THAT(WaitForEnd("a").back()["error"]["message"], HasSubstr("no page with this id"));
}

TEST_F(OcrProtocolTest, ClosingCancelsAllPages) {
  fake_.backend->Hold();
  for (int id = 1; id <= 2; ++id) {
    json page = Page(id);
    page["max_tokens"] = 100 + id;
    Send(page);
  }
  session_->OnClose();
  std::set<json> ended;
  while (ended.size() < 2) {
    const json end = socket_->WaitFor([](const json& m) { return m["type"] == "error"; }).back();
    EXPECT_EQ(end["error"]["code"], "cancelled");
    ended.insert(end["id"]);
  }
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(OcrProtocolTest, WrongMessages) {
  const auto error_of = [this](const std::string& text) -> std::string {
    session_->OnMessage(text);
    return socket_->WaitFor([](const json& m) { return m["type"] == "error"; })
        .back()["error"]["message"];
  };
  EXPECT_THAT(error_of("{"), HasSubstr("no valid JSON"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("expected an object"));
  for (const char* id : {"null", "\"\"", "1.5", "[1]", "true"}) {
    EXPECT_THAT(error_of(std::string(R"({"id":)") + id + "}"), HasSubstr("id: expected"));
  }
  EXPECT_THAT(error_of(R"({"id":")" + std::string(200, 'x') + "\"}"), HasSubstr("128 bytes"));
  EXPECT_THAT(error_of(R"({"id":1,"type":"other"})"), HasSubstr("ocr or cancel"));
  EXPECT_THAT(error_of(R"({"id":1})"), HasSubstr("image"));
  EXPECT_THAT(error_of(R"({"id":1,"image":"!"})"), HasSubstr("base64"));
  json page = Page(1);
  page["mode"] = "sing";
  EXPECT_THAT(error_of(page.dump()), HasSubstr("sing"));
  page = Page(1);
  page["model"] = "other";
  EXPECT_THAT(error_of(page.dump()), HasSubstr("no model 'other'"));
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(OcrProtocolTest, PagesAreLimited) {
  fake_.backend->Hold();
  for (size_t id = 0; id < kMaxPagesPerSocket; ++id) Send(Page(id));
  Send(Page("one more"));
  const json end = WaitForEnd("one more").back();
  EXPECT_EQ(end["error"]["code"], "rate_limit_exceeded");
  fake_.backend->Release();
}

// A server that shuts down closes a socket that is idle.
TEST_F(OcrProtocolTest, IsNotIdleBeforeTheEndIsSent) {
  std::future<bool> is_idle;
  socket_->on_send = [&](const json& message) {
    if (message["type"] != "result" && message["type"] != "error") return;
    is_idle = std::async(std::launch::async, [this] { return session_->is_idle(); });
    EXPECT_EQ(is_idle.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  };
  Send(Page("p1"));
  WaitForEnd("p1");
  EXPECT_TRUE(is_idle.get());
  json refused = Page("p2");
  refused["model"] = "other";
  Send(refused);
  WaitForEnd("p2");
  EXPECT_TRUE(is_idle.get());
}

}  // namespace
}  // namespace mao
