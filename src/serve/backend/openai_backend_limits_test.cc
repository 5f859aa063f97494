// Time limits, cancellation, health and the connections of the backend.
#include "serve/backend/openai_backend.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/backend/openai_backend_for_test.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(OpenAiBackendLimitsTest, CancellationClosesTheConnection) {
  std::stop_source stop;
  std::atomic<bool> closed = false;
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    WriteChunk(peer, TextEvent("a"));
    stop.request_stop();
    closed = peer.WaitForClose();
  });
  const auto backend = Connect(ConfigOf({server.url()}));
  ExpectFailure(Ask(*backend, Question(), minutes(5), stop.get_token()), StatusCode::kCancelled,
                "");
  WaitUntil([&] { return closed.load(); });
  EXPECT_EQ(backend->pool().num_outstanding(0), 0);
  EXPECT_TRUE(backend->pool().is_healthy(0));
}

TEST(OpenAiBackendLimitsTest, CancellationEndsTheWaitForARetry) {
  std::stop_source stop;
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(429, "{}", "Retry-After: 200\r\n");
    stop.request_stop();
  });
  ExpectFailure(Ask(*Connect(ConfigOf({server.url()})), Question(), minutes(10), stop.get_token()),
                StatusCode::kCancelled, "");
}

// Keeps the connection alive without saying anything, until the client goes.
void SendCommentsForever(ScriptedPeer& peer) {
  while (WriteChunk(peer, ": still here\n\n") && peer.Sleep(milliseconds(5))) {
  }
}

TEST(OpenAiBackendLimitsTest, AServerWithoutAFirstTokenIsGivenUp) {
  const std::vector<std::function<void(ScriptedPeer&)>> ways = {
      [](ScriptedPeer& peer) { peer.WaitForClose(); },
      [](ScriptedPeer& peer) {
        peer.Write(kStreamHead);
        SendCommentsForever(peer);
      },
      [](ScriptedPeer& peer) {
        peer.Write(kStreamHead);
        WriteChunk(peer,
                   Event({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}}}}}}}));
        peer.WaitForClose();
      },
      [](ScriptedPeer& peer) {
        peer.Write("HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\nwait");
        peer.WaitForClose();
      }};
  for (const auto& way : ways) {
    FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) { way(peer); });
    OpenAiBackendConfig config = ConfigOf({server.url()});
    config.first_token_timeout = milliseconds(50);
    ExpectFailure(Ask(*Connect(config)), StatusCode::kUnavailable,
                  server.host() + ": no token came within 50 ms");
    EXPECT_EQ(server.completions().size(), 1);  // it had its chance
  }
}

TEST(OpenAiBackendLimitsTest, AnotherServerTakesOverFromASilentOne) {
  FakeOpenAi silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  FakeOpenAi good([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "here"); });
  OpenAiBackendConfig config = ConfigOf({silent.url(), good.url()});
  config.first_token_timeout = milliseconds(50);
  ExpectAnswer(Ask(*Connect(config)), "here");
  EXPECT_EQ(silent.completions().size(), 1);
}

TEST(OpenAiBackendLimitsTest, AStreamThatStallsIsCutOff) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    WriteChunk(peer, TextEvent("half"));
    SendCommentsForever(peer);
  });
  FakeOpenAi other([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "other"); });
  OpenAiBackendConfig config = ConfigOf({server.url(), other.url()});
  config.stall_timeout = milliseconds(50);
  const Heard heard = Ask(*Connect(config));
  ExpectFailure(heard, StatusCode::kUnavailable, server.host() + ": no token came for 50 ms");
  EXPECT_THAT(heard.pieces, ElementsAre("half"));
  EXPECT_TRUE(other.completions().empty());
}

TEST(OpenAiBackendLimitsTest, ConnectingHasALimitWithTls) {
  ScriptedServer mute([](const ScriptedRequest&, ScriptedPeer&) {});
  OpenAiBackendConfig config = ConfigOf({"https" + mute.url().substr(4)});
  config.connect_timeout = milliseconds(50);
  config.max_retries = 0;
  const Heard heard = Ask(*Connect(config));
  ExpectFailure(heard, StatusCode::kUnavailable, "it takes too long");
}

TEST(OpenAiBackendLimitsTest, TheDeadlineHoldsWhateverTheServerDoes) {
  for (const bool sends_tokens : {false, true}) {
    FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
      peer.Write(kStreamHead);
      while (sends_tokens && WriteChunk(peer, TextEvent("x")) && peer.Sleep(milliseconds(5))) {
      }
      peer.WaitForClose();
    });
    ExpectFailure(Ask(*Connect(ConfigOf({server.url()})), Question(), milliseconds(50)),
                  StatusCode::kDeadlineExceeded, server.host());
    EXPECT_EQ(server.completions().size(), 1);
  }
}

TEST(OpenAiBackendLimitsTest, AStreamMayTakeLongerThanAnyOfTheLimits) {
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    for (int i = 0; i < 40; ++i) {
      WriteChunk(peer, TextEvent("x"));
      peer.Sleep(milliseconds(20));
    }
    WriteChunk(peer, EndEvents());
    peer.Write("0\r\n\r\n");
  });
  OpenAiBackendConfig config = ConfigOf({server.url()});
  config.connect_timeout = config.first_token_timeout = config.stall_timeout = milliseconds(500);
  const Heard heard = Ask(*Connect(config));
  ExpectAnswer(heard, std::string(40, 'x'));
  EXPECT_EQ(heard.pieces.size(), 40);
}

TEST(OpenAiBackendLimitsTest, HealthIsWatched) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  server.set_health(503);
  OpenAiBackendConfig config = ConfigOf({server.url()});
  const auto backend = Connect(config);
  WaitUntil([&] { return !backend->health().ok(); });
  EXPECT_THAT(backend->health().message(), HasSubstr(server.host()));
  EXPECT_THAT(backend->health().message(), HasSubstr("503"));
  EXPECT_EQ(server.completions().size(), 0);
  server.set_health(200);
  WaitUntil([&] { return backend->health().ok(); });
  ExpectAnswer(Ask(*backend), "x");
  server.set_health(401);  // the key is refused
  WaitUntil([&] { return !backend->health().ok(); });
  server.set_health(404);  // no such path, nor the other one, but an answer
  WaitUntil([&] { return backend->health().ok(); });
}

TEST(OpenAiBackendLimitsTest, AServerThatComesBackIsUsedAgain) {
  const uint16_t port = DeadPort();
  const auto backend = Connect(ConfigOf({fmt::format("http://127.0.0.1:{}", port)}));
  WaitUntil([&] { return !backend->health().ok(); });
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); }, port);
  ASSERT_EQ(server.port(), port);
  WaitUntil([&] { return backend->health().ok(); });
  ExpectAnswer(Ask(*backend), "x");
}

// Servers that hold each request until they are told to answer.
class Gate {
 public:
  FakeOpenAi::Complete script() {
    return [this](const ScriptedRequest&, ScriptedPeer& peer) {
      max_inside_ = std::max(max_inside_.load(), ++num_inside_);
      while (!open_ && peer.Sleep(milliseconds(1))) {
      }
      --num_inside_;
      Answer(peer, "x");
    };
  }
  void Open() { open_ = true; }
  int num_inside() const { return num_inside_; }
  int max_inside() const { return max_inside_; }

 private:
  std::atomic<bool> open_ = false;
  std::atomic<int> num_inside_ = 0;
  std::atomic<int> max_inside_ = 0;
};

TEST(OpenAiBackendLimitsTest, RequestsAreSpreadByWhatIsOutstanding) {
  Gate gates[2];
  FakeOpenAi a(gates[0].script());
  FakeOpenAi b(gates[1].script());
  const auto backend = Connect(ConfigOf({a.url(), b.url()}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&] { ExpectAnswer(Ask(*backend), "x"); });
  WaitUntil([&] { return gates[0].num_inside() + gates[1].num_inside() == 6; });
  EXPECT_EQ(gates[0].num_inside(), 3);
  EXPECT_EQ(gates[1].num_inside(), 3);
  // One that is free again gets what comes next.
  gates[0].Open();
  WaitUntil([&] { return backend->pool().num_outstanding(0) == 0; });
  for (int i = 0; i < 3; ++i) ExpectAnswer(Ask(*backend), "x");
  EXPECT_EQ(a.completions().size(), 6);
  gates[1].Open();
  for (std::thread& thread : threads) thread.join();
}

TEST(OpenAiBackendLimitsTest, ConnectionsAreLimited) {
  Gate gate;
  FakeOpenAi server(gate.script());
  OpenAiBackendConfig config = ConfigOf({server.url()});
  config.max_connections = 2;
  const auto backend = Connect(config);
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) threads.emplace_back([&] { ExpectAnswer(Ask(*backend), "x"); });
  WaitUntil([&] { return gate.num_inside() == 2; });
  gate.Open();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gate.max_inside(), 2);
}

}  // namespace
}  // namespace mao
