#include "serve/graphql_api/socket_session.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/graphql_api/graphql_client_for_test.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

class Socket final : public WebSocket {
 public:
  void Send(std::string text) override {
    const std::shared_ptr<WebSocketSession> session = session_.lock();
    const bool was_idle = session != nullptr && session->is_idle();
    const std::lock_guard lock(mutex_);
    was_idle_ = was_idle;
    messages_.push_back(Json::parse(text));
    changed_.notify_all();
  }
  void Close(int code, std::string) override {
    const std::lock_guard lock(mutex_);
    close_code_ = code;
  }
  Json Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !messages_.empty(); });
    Json message = messages_.front();
    messages_.pop_front();
    return message;
  }
  bool is_silent() {
    const std::lock_guard lock(mutex_);
    return messages_.empty();
  }
  int close_code() {
    const std::lock_guard lock(mutex_);
    return close_code_;
  }
  // Whether the session was idle when it sent its last message; see Watch.
  bool was_idle() {
    const std::lock_guard lock(mutex_);
    return was_idle_;
  }
  void Watch(const std::shared_ptr<WebSocketSession>& session) { session_ = session; }

 private:
  std::weak_ptr<WebSocketSession> session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> messages_;
  int close_code_ = 0;
  bool was_idle_ = false;
};

class SocketSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.backend().AnswerTo("", "an answer in several pieces");
    session_ = OpenGraphQlSession(
        client_.executor(),
        [](std::string_view credentials, CallContext& context) {
          if (credentials == "wrong") return false;
          context.key_id = credentials;
          return true;
        },
        HttpRequest(), socket_);
  }
  void Init(const std::string& payload = "{}") {
    session_->OnMessage(R"({"type":"connection_init","payload":)" + payload + "}");
  }
  void Generate(const std::string& id) {
    session_->OnMessage(Json{{"type", "subscribe"},
                             {"id", id},
                             {"payload",
                              {{"query",
                                "subscription { generate(input: {prompt: \"x\", bypassCache: true})"
                                " { text result { text } } }"}}}}
                            .dump());
  }

  GraphQlClient client_;
  const std::shared_ptr<Socket> socket_ = std::make_shared<Socket>();
  std::shared_ptr<WebSocketSession> session_;
};

TEST_F(SocketSessionTest, LetsInWhoHasAKey) {
  EXPECT_FALSE(session_->is_admitted());
  Init(R"({"Authorization":"mine"})");
  EXPECT_EQ(socket_->Next()["type"], "connection_ack");
  EXPECT_TRUE(session_->is_admitted());
  session_->OnAdmissionTimeout();
  EXPECT_EQ(socket_->close_code(), 0);
  Generate("1");
  while (socket_->Next()["type"] != "complete") {
  }
  EXPECT_EQ(client_.backend().requests().back().context.key_id, "mine");
}

TEST_F(SocketSessionTest, RefusesOthers) {
  Init(R"({"apiKey":"wrong"})");
  EXPECT_EQ(socket_->close_code(), 4403);
  EXPECT_FALSE(session_->is_admitted());
}

TEST_F(SocketSessionTest, HasNoPatienceWithSilence) {
  session_->OnAdmissionTimeout();
  EXPECT_EQ(socket_->close_code(), 4408);
}

TEST_F(SocketSessionTest, CompletingEndsTheCall) {
  Init();
  EXPECT_EQ(socket_->Next()["type"], "connection_ack");
  client_.backend().Hold();
  Generate("1");
  EXPECT_EQ(socket_->Next()["type"], "next");
  EXPECT_FALSE(session_->is_idle());
  session_->OnMessage(R"({"type":"complete","id":"1"})");
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
  EXPECT_TRUE(session_->is_idle());
  EXPECT_TRUE(socket_->is_silent());
  // The id may be used again, and nothing of the first comes with it.
  client_.backend().Release();
  Generate("1");
  std::string text;
  for (Json message = socket_->Next(); message["type"] == "next"; message = socket_->Next()) {
    const Json& event = message["payload"]["data"]["generate"];
    if (event["text"].is_string()) text += event["text"].get<std::string>();
  }
  EXPECT_EQ(text, "an answer in several pieces");
}

// A server that shuts down closes idle sockets, and drops what is sent afterwards.
TEST_F(SocketSessionTest, IsBusyUntilTheLastMessageIsSent) {
  Init();
  EXPECT_EQ(socket_->Next()["type"], "connection_ack");
  socket_->Watch(session_);
  Generate("1");
  while (socket_->Next()["type"] != "complete") {
  }
  EXPECT_FALSE(socket_->was_idle());
  session_->OnMessage(
      R"({"type":"subscribe","id":"2","payload":{"query":"subscription { nothing }"}})");
  EXPECT_EQ(socket_->Next()["type"], "error");
  EXPECT_FALSE(socket_->was_idle());
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
  EXPECT_TRUE(session_->is_idle());
}

TEST_F(SocketSessionTest, ClosingEndsAllCalls) {
  Init();
  client_.backend().Hold();
  for (const char* id : {"1", "2", "3"}) Generate(id);
  session_->OnClose();
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
  EXPECT_TRUE(session_->is_idle());
  Generate("4");  // was on its way
  EXPECT_TRUE(client_.service().WaitUntilIdle(std::chrono::seconds(60)));
}

}  // namespace
}  // namespace mao
