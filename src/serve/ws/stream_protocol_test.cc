#include "serve/ws/stream_protocol.h"

#include <chrono>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/ws/testing/recording_socket.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class StreamProtocolTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_.backend->AnswerTo("page", "The text of the page, in pieces.");
    CallContext context;
    context.request_id = "socket";
    context.key_id = "key";
    session_ = OpenStreamSession(fake_.service, context, socket_);
  }

  void Send(const json& message) { session_->OnMessage(message.dump()); }
  // All up to the end.
  std::vector<json> Answer() {
    return socket_->WaitFor([](const json& message) { return message.at("finished") == true; });
  }
  std::string Refusal() {
    const json message = socket_->WaitFor([](const json&) { return true; }).back();
    return message.contains("error") ? message["error"]["message"] : "";
  }
  void WaitForText() {
    socket_->WaitFor([](const json& message) { return message.contains("text"); });
  }

  FakeService fake_;
  std::shared_ptr<RecordingSocket> socket_ = std::make_shared<RecordingSocket>();
  std::shared_ptr<WebSocketSession> session_;
};

TEST_F(StreamProtocolTest, AnswersPromptAfterPrompt) {
  for (int i = 0; i < 2; ++i) {
    Send({{"prompt", "Read the page."}, {"temperature", 0}, {"max_tokens", 100 + i}});
    const std::vector<json> messages = Answer();
    ASSERT_GE(messages.size(), 3);
    std::string text;
    for (const json& message : messages) text += message.at("text");
    EXPECT_EQ(text, "The text of the page, in pieces.");
    for (size_t k = 0; k + 1 < messages.size(); ++k) EXPECT_EQ(messages[k]["finished"], false);
    const json& end = messages.back();
    EXPECT_EQ(end["text"], "");
    EXPECT_EQ(end["finish_reason"], "stop");
    EXPECT_EQ(end["model"], "fake-ocr");
    EXPECT_EQ(end["usage"]["prompt_tokens"], 10);
    EXPECT_TRUE(session_->is_idle());
  }
  const auto requests = fake_.backend->requests();
  ASSERT_EQ(requests.size(), 2);
  EXPECT_EQ(requests[1].sampling.max_tokens, 101);
  EXPECT_EQ(requests[1].context.request_id, "socket-2");
  EXPECT_EQ(requests[1].context.key_id, "key");
  EXPECT_EQ(requests[1].context.operation, "stream");
}

TEST_F(StreamProtocolTest, ImagesComeInThreeSpellings) {
  const std::string page = WhitePage(16, 16);
  for (const std::string& image :
       {EncodeBase64(page), "data:image/png;base64," + EncodeBase64(page)}) {
    Send({{"prompt", "Read the page."}, {"images", {image}}});
    EXPECT_EQ(Answer().back().value("finish_reason", ""), "stop");
    EXPECT_EQ(*fake_.backend->requests().back().image.bytes, page);
  }
  Send({{"prompt", "Read the page."}, {"images", {"http://127.0.0.1/x.png"}}});
  EXPECT_THAT(Answer().back()["error"]["message"], HasSubstr("by URL are switched off"));
  Send({{"prompt", "x"}, {"images", {EncodeBase64(page), EncodeBase64(page)}}});
  EXPECT_THAT(Refusal(), HasSubstr("one image"));
}

TEST_F(StreamProtocolTest, SchemasKeepTheOrderOfTheirProperties) {
  session_->OnMessage(
      R"({"prompt":"page","response_format":{"type":"json_schema","json_schema":{"schema":
          {"properties":{"z":{},"a":{}}}}}})");
  EXPECT_EQ(Answer().back().value("finish_reason", ""), "stop");
  const auto constraint = fake_.backend->requests().back().sampling.constraint;
  ASSERT_TRUE(constraint.has_value());
  EXPECT_EQ(constraint->text, R"({"properties":{"z":{},"a":{}}})");
}

TEST_F(StreamProtocolTest, WrongMessages) {
  const std::pair<std::string, std::string> rows[] = {
      {"{", "no valid JSON"},
      {"[]", "expected an object"},
      {"{}", "prompt: expected a text"},
      {R"({"prompt":7})", "prompt: expected a string"},
      {R"({"prompt":"x","images":"!"})", "base64"},
      {R"({"prompt":"x","temperature":"hot"})", "temperature"},
      {R"({"prompt":"x","model":"other"})", "no model 'other'"},
      {R"({"prompt":"x","n":2})", "n: expected 1"},
      {R"({"type":"other"})", "type: expected generate or cancel"},
      {R"({"type":"cancel"})", "nothing is being answered"},
  };
  for (const auto& [text, error] : rows) {
    session_->OnMessage(text);
    EXPECT_THAT(Refusal(), HasSubstr(error)) << text;
    EXPECT_TRUE(session_->is_idle());
  }
}

TEST_F(StreamProtocolTest, OnePromptAtATime) {
  fake_.backend->Hold();
  Send({{"prompt", "page one"}});
  WaitForText();
  EXPECT_FALSE(session_->is_idle());
  Send({{"prompt", "page two"}});
  const json refusal =
      socket_->WaitFor([](const json& message) { return message.contains("error"); }).back();
  EXPECT_EQ(refusal["finished"], false);
  fake_.backend->Release();
  EXPECT_EQ(Answer().back()["finish_reason"], "stop");
}

TEST_F(StreamProtocolTest, Cancel) {
  fake_.backend->Hold();
  Send({{"prompt", "page"}});
  WaitForText();
  Send({{"type", "cancel"}});
  EXPECT_EQ(Answer().back()["error"]["code"], "cancelled");
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(StreamProtocolTest, ClosingCancels) {
  fake_.backend->Hold();
  Send({{"prompt", "page"}});
  WaitForText();
  session_->OnClose();
  EXPECT_EQ(Answer().back()["error"]["code"], "cancelled");
}

TEST_F(StreamProtocolTest, CutTexts) {
  fake_.backend->AnswerTo("long", "text", StopReason::kMaxTokens);
  fake_.backend->AnswerTo("loop", "text", StopReason::kRepetition);
  Send({{"prompt", "long"}});
  EXPECT_EQ(Answer().back()["finish_reason"], "length");
  Send({{"prompt", "loop"}});
  EXPECT_EQ(Answer().back()["stop_reason"], "repetition");
}

// A server that shuts down closes a socket that is idle.
TEST_F(StreamProtocolTest, IsNotIdleBeforeTheEndIsSent) {
  std::future<bool> is_idle;
  socket_->on_send = [&](const json& message) {
    if (message["finished"] != true) return;
    is_idle = std::async(std::launch::async, [this] { return session_->is_idle(); });
    EXPECT_EQ(is_idle.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  };
  Send({{"prompt", "Read the page."}, {"temperature", 0}, {"max_tokens", 100}});
  Answer();
  EXPECT_TRUE(is_idle.get());
  Send({{"prompt", "Read the page."}, {"model", "other"}});
  Answer();
  EXPECT_TRUE(is_idle.get());
}

}  // namespace
}  // namespace mao
