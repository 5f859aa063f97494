#include "serve/backend/openai_backend.h"

#include <atomic>
#include <optional>
#include <thread>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/fetch/testing/scripted_server.h"

namespace mao {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

std::string Event(const json& data) { return "data: " + data.dump() + "\n\n"; }

std::string TextEvent(const std::string& text) {
  return Event({{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}});
}

std::string EndEvents(const std::string& finish_reason = "stop") {
  return Event({{"choices",
                 {{{"index", 0}, {"delta", json::object()}, {"finish_reason", finish_reason}}}}}) +
         Event({{"choices", json::array()},
                {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 5}}}}) +
         "data: [DONE]\n\n";
}

constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

bool WriteChunk(ScriptedPeer& peer, const std::string& bytes) {
  return peer.Write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void Stream(ScriptedPeer& peer, const std::vector<std::string>& events) {
  peer.Write(kStreamHead);
  for (const std::string& event : events) WriteChunk(peer, event);
  peer.Write("0\r\n\r\n");
}

void Answer(ScriptedPeer& peer, const std::string& text) {
  Stream(peer, {TextEvent(text), EndEvents()});
}

// A server with a health check beside its completions.
class FakeOpenAi {
 public:
  using Complete = std::function<void(const ScriptedRequest&, ScriptedPeer&)>;

  explicit FakeOpenAi(Complete complete, uint16_t port = 0)
      : complete_(std::move(complete)),
        server_(
            [this](const ScriptedRequest& request, ScriptedPeer& peer) { Serve(request, peer); },
            "127.0.0.1", port) {}

  std::string url() const { return server_.url(); }
  std::string host() const { return url().substr(7); }
  uint16_t port() const { return server_.port(); }
  void set_health(int status) { health_ = status; }
  int num_probes() const { return num_probes_; }
  std::vector<ScriptedRequest> completions() const {
    std::vector<ScriptedRequest> found;
    for (const ScriptedRequest& request : server_.requests()) {
      if (request.target() == "/v1/chat/completions") found.push_back(request);
    }
    return found;
  }

 private:
  void Serve(const ScriptedRequest& request, ScriptedPeer& peer) {
    if (request.target() == "/v1/chat/completions") return complete_(request, peer);
    ++num_probes_;
    peer.Respond(request.target() == "/health" ? health_.load() : 404, "");
  }

  const Complete complete_;
  std::atomic<int> health_ = 200;
  std::atomic<int> num_probes_ = 0;
  ScriptedServer server_;
};

OpenAiBackendConfig ConfigOf(const std::vector<std::string>& urls) {
  OpenAiBackendConfig config;
  config.base_urls = urls;
  config.model = "remote";
  config.backoff.first = milliseconds(5);
  config.health_interval = milliseconds(20);
  return config;
}

std::unique_ptr<OpenAiBackend> Connect(const OpenAiBackendConfig& config) {
  Result<std::unique_ptr<OpenAiBackend>> backend = OpenAiBackend::Create(config);
  EXPECT_TRUE(backend.ok()) << backend.status().ToString();
  return backend.ok() ? std::move(backend).value() : nullptr;
}

GenerationRequest Question() {
  GenerationRequest request;
  request.prompt = {{"Read this.", true}};
  return request;
}

struct Heard {
  Result<Generation> result = InternalError("not asked");
  std::vector<std::string> pieces;
};

Heard Ask(OpenAiBackend& backend, const GenerationRequest& request = Question(),
          milliseconds limit = minutes(5), const std::stop_token& stop = {}) {
  Heard heard;
  heard.result = backend.Generate(
      request, nullptr, Clock::now() + limit,
      [&](const GenerationOutput& output) { heard.pieces.push_back(output.text); }, stop);
  return heard;
}

void ExpectAnswer(const Heard& heard, const std::string& text) {
  ASSERT_TRUE(heard.result.ok()) << heard.result.status().ToString();
  EXPECT_EQ(heard.result->text, text);
}

void ExpectFailure(const Heard& heard, StatusCode code, const std::string& message) {
  ASSERT_FALSE(heard.result.ok());
  EXPECT_EQ(heard.result.status().code(), code) << heard.result.status().ToString();
  EXPECT_THAT(heard.result.status().message(), HasSubstr(message));
}

// A port where nothing listens.
uint16_t DeadPort() {
  return ScriptedServer([](const ScriptedRequest&, ScriptedPeer&) {}).port();
}

template <typename Condition>
void WaitUntil(const Condition& condition) {
  while (!condition()) std::this_thread::sleep_for(milliseconds(1));
}

TEST(OpenAiBackendTest, StreamsTheAnswer) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) {
    Stream(peer, {Event({{"choices", {{{"delta", {{"role", "assistant"}, {"content", ""}}}}}}}),
                  ": keep-alive\n\n",
                  Event({{"choices", {{{"delta", {{"content", "Hel"}}}, {"token_ids", {4, 5}}}}}}),
                  TextEvent("lo"), EndEvents("length")});
  });
  OpenAiBackendConfig config = ConfigOf({server.url()});
  config.api_key = "key-of-the-server";
  const auto backend = Connect(config);
  GenerationRequest request = Question();
  request.image.bytes = std::make_shared<const std::string>("BMxyz");
  request.image_options.mode = "small";
  request.context.request_id = "request-1";
  request.use_result_cache = false;
  request.context.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const Heard heard = Ask(*backend, request);
  ExpectAnswer(heard, "Hello");
  EXPECT_THAT(heard.pieces, ElementsAre("Hel", "lo"));
  EXPECT_THAT(heard.result->token_ids, ElementsAre(4, 5));
  EXPECT_EQ(heard.result->stop_reason, StopReason::kMaxTokens);
  EXPECT_EQ(heard.result->image_mode, "small");
  EXPECT_FALSE(heard.result->boxes_in_padded_square);
  EXPECT_EQ(heard.result->stats.num_prompt_tokens, 11);
  EXPECT_EQ(heard.result->stats.num_output_tokens, 5);
  ASSERT_EQ(server.completions().size(), 1);
  const ScriptedRequest sent = server.completions().front();
  EXPECT_EQ(sent.Header("Authorization"), "Bearer key-of-the-server");
  EXPECT_EQ(sent.Header("X-Request-Id"), "request-1");
  EXPECT_EQ(sent.Header("Cache-Control"), "no-cache");
  EXPECT_EQ(sent.Header("traceparent"), request.context.traceparent);
  const json body = json::parse(sent.body);
  EXPECT_EQ(body.at("model"), "remote");
  EXPECT_EQ(body.at("messages")[0].at("content")[0].at("image_url").at("url"),
            "data:image/bmp;base64,Qk14eXo=");
  EXPECT_EQ(body.at("mm_processor_kwargs"), json({{"mode", "small"}}));
}

TEST(OpenAiBackendTest, HeadersCannotBeInjected) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  const auto backend = Connect(ConfigOf({server.url()}));
  GenerationRequest request = Question();
  request.context.request_id = "a\r\nEvil: yes";
  ExpectAnswer(Ask(*backend, request), "x");
  EXPECT_THAT(server.completions().front().head, Not(HasSubstr("Evil")));
}

TEST(OpenAiBackendTest, ConnectionsAreReused) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  const auto backend = Connect(ConfigOf({server.url() + "/v1"}));
  for (int i = 0; i < 3; ++i) ExpectAnswer(Ask(*backend), "x");
  const auto sent = server.completions();
  ASSERT_EQ(sent.size(), 3);
  EXPECT_EQ(sent[0].connection, sent[1].connection);
  EXPECT_EQ(sent[0].connection, sent[2].connection);
}

TEST(OpenAiBackendTest, GoesOnToAnotherServer) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  OpenAiBackendConfig config =
      ConfigOf({fmt::format("http://127.0.0.1:{}", DeadPort()), server.url()});
  config.max_retries = 0;  // going on is no retry
  const auto backend = Connect(config);
  for (int i = 0; i < 4; ++i) ExpectAnswer(Ask(*backend), "x");
  EXPECT_FALSE(backend->pool().is_healthy(0));
  EXPECT_TRUE(backend->health().ok());
  EXPECT_EQ(backend->max_concurrency(), 128);
}

TEST(OpenAiBackendTest, AServerThatDropsConnectionsIsLeft) {
  FakeOpenAi broken([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Close(); });
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  const auto backend = Connect(ConfigOf({broken.url(), server.url()}));
  for (int i = 0; i < 2; ++i) ExpectAnswer(Ask(*backend), "x");
  EXPECT_GE(broken.completions().size(), 1);
}

TEST(OpenAiBackendTest, NoServerAtAll) {
  OpenAiBackendConfig config = ConfigOf({fmt::format("http://127.0.0.1:{}", DeadPort())});
  config.max_retries = 1;
  const auto backend = Connect(config);
  ExpectFailure(Ask(*backend), StatusCode::kUnavailable, config.base_urls[0].substr(7));
  EXPECT_EQ(backend->health().code(), StatusCode::kUnavailable);
}

TEST(OpenAiBackendTest, OverloadIsRetried) {
  for (const int status : {502, 503, 504, 429}) {
    std::atomic<int> num_calls = 0;
    FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
      if (num_calls++ == 0) {
        peer.Respond(status, "{}");
      } else {
        Answer(peer, "x");
      }
    });
    OpenAiBackendConfig config = ConfigOf({server.url()});
    config.max_retries = 20;  // until the probe has found it healthy
    ExpectAnswer(Ask(*Connect(config)), "x");
    EXPECT_EQ(num_calls, 2) << status;
  }
}

TEST(OpenAiBackendTest, RetriesAreLimited) {
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(429, R"({"error":{"message":"too many"}})");
  });
  OpenAiBackendConfig config = ConfigOf({server.url()});
  config.max_retries = 3;
  ExpectFailure(Ask(*Connect(config)), StatusCode::kResourceExhausted,
                server.host() + ": status 429: too many");
  EXPECT_EQ(server.completions().size(), 4);
}

TEST(OpenAiBackendTest, RetryAfterIsHonoured) {
  std::atomic<int> num_calls = 0;
  Clock::time_point refused;
  Clock::time_point again;
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    if (num_calls++ == 0) {
      refused = Clock::now();
      peer.Respond(429, "{}", "Retry-After: 1\r\n");
    } else {
      again = Clock::now();
      Answer(peer, "x");
    }
  });
  ExpectAnswer(Ask(*Connect(ConfigOf({server.url()}))), "x");
  EXPECT_GE(again - refused, std::chrono::seconds(1));  // never earlier, however late
}

TEST(OpenAiBackendTest, ARetryAfterBeyondTheDeadlineIsNotWaitedFor) {
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(429, "{}", "Retry-After: 3600\r\n");
  });
  ExpectFailure(Ask(*Connect(ConfigOf({server.url()}))), StatusCode::kResourceExhausted, "429");
  EXPECT_EQ(server.completions().size(), 1);
}

TEST(OpenAiBackendTest, ABusyServerIsLeftForAnother) {
  FakeOpenAi busy([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(429, "{}", "Retry-After: 3600\r\n");
  });
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  const auto backend = Connect(ConfigOf({busy.url(), server.url()}));
  for (int i = 0; i < 4; ++i) ExpectAnswer(Ask(*backend), "x");
  EXPECT_TRUE(backend->pool().is_healthy(0));
}

TEST(OpenAiBackendTest, OtherErrorsAreNotRetried) {
  const struct {
    int status;
    StatusCode code;
  } rows[] = {{400, StatusCode::kInvalidArgument}, {422, StatusCode::kInvalidArgument},
              {401, StatusCode::kUnavailable},     {404, StatusCode::kNotFound},
              {413, StatusCode::kOutOfRange},      {500, StatusCode::kUnavailable},
              {302, StatusCode::kUnavailable}};
  for (const auto& row : rows) {
    FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
      peer.Respond(row.status, R"({"error":{"message":"because"}})",
                   "Location: http://127.0.0.1:1/\r\n");
    });
    ExpectFailure(Ask(*Connect(ConfigOf({server.url()}))), row.code,
                  fmt::format("{}: status {}: because", server.host(), row.status));
    EXPECT_EQ(server.completions().size(), 1);
  }
}

TEST(OpenAiBackendTest, NothingIsRetriedAfterTheFirstToken) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    WriteChunk(peer, TextEvent("half a "));
    peer.Close();
  });
  const Heard heard = Ask(*Connect(ConfigOf({server.url()})));
  ExpectFailure(heard, StatusCode::kUnavailable, server.host() + ": the answer is cut off");
  EXPECT_THAT(heard.pieces, ElementsAre("half a "));
  EXPECT_EQ(server.completions().size(), 1);
}

TEST(OpenAiBackendTest, AStreamThatEndsTooSoonIsCutOff) {
  FakeOpenAi server(
      [](const ScriptedRequest&, ScriptedPeer& peer) { Stream(peer, {TextEvent("half")}); });
  ExpectFailure(Ask(*Connect(ConfigOf({server.url()}))), StatusCode::kUnavailable, "cut off");
}

TEST(OpenAiBackendTest, ACutAfterTheLastTokenLosesNothing) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    WriteChunk(peer, TextEvent("all") + EndEvents());
    peer.Close();
  });
  ExpectAnswer(Ask(*Connect(ConfigOf({server.url()}))), "all");
}

TEST(OpenAiBackendTest, BrokenStreams) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"data: {broken\n\n", "no chunk of a chat completion"},
      {Event({{"error", {{"message", "out of memory"}}}}), "out of memory"},
      {"data: " + std::string(3 << 20, 'x') + "\n\n", "the limit of 1048576 bytes"},
  };
  for (const auto& [events, message] : rows) {
    FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
      Stream(peer, {TextEvent("a"), events, EndEvents()});
    });
    ExpectFailure(Ask(*Connect(ConfigOf({server.url()}))), StatusCode::kUnavailable, message);
    EXPECT_EQ(server.completions().size(), 1);
  }
  FakeOpenAi whole([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(200, R"({"choices":[{"message":{"content":"x"}}]})",
                 "Content-Type: application/json\r\n");
  });
  ExpectFailure(Ask(*Connect(ConfigOf({whole.url()}))), StatusCode::kUnavailable,
                "does not stream");
}

TEST(OpenAiBackendTest, CancellationClosesTheConnection) {
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

TEST(OpenAiBackendTest, CancellationEndsTheWaitForARetry) {
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

TEST(OpenAiBackendTest, AServerWithoutAFirstTokenIsGivenUp) {
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

TEST(OpenAiBackendTest, AnotherServerTakesOverFromASilentOne) {
  FakeOpenAi silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  FakeOpenAi good([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "here"); });
  OpenAiBackendConfig config = ConfigOf({silent.url(), good.url()});
  config.first_token_timeout = milliseconds(50);
  ExpectAnswer(Ask(*Connect(config)), "here");
  EXPECT_EQ(silent.completions().size(), 1);
}

TEST(OpenAiBackendTest, AStreamThatStallsIsCutOff) {
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

TEST(OpenAiBackendTest, ConnectingHasALimitWithTls) {
  ScriptedServer mute([](const ScriptedRequest&, ScriptedPeer&) {});
  OpenAiBackendConfig config = ConfigOf({"https" + mute.url().substr(4)});
  config.connect_timeout = milliseconds(50);
  config.max_retries = 0;
  const Heard heard = Ask(*Connect(config));
  ExpectFailure(heard, StatusCode::kUnavailable, "it takes too long");
}

TEST(OpenAiBackendTest, TheDeadlineHoldsWhateverTheServerDoes) {
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

TEST(OpenAiBackendTest, AStreamMayTakeLongerThanAnyOfTheLimits) {
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

TEST(OpenAiBackendTest, HealthIsWatched) {
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

TEST(OpenAiBackendTest, AServerThatComesBackIsUsedAgain) {
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

TEST(OpenAiBackendTest, RequestsAreSpreadByWhatIsOutstanding) {
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

TEST(OpenAiBackendTest, ConnectionsAreLimited) {
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

TEST(OpenAiBackendTest, TextThatGoesInCirclesIsEnded) {
  std::atomic<bool> closed = false;
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write(kStreamHead);
    while (WriteChunk(peer, TextEvent("again and "))) {
    }
    closed = true;
  });
  GenerationRequest request = Question();
  request.sampling.detect_loops = true;
  const Heard heard = Ask(*Connect(ConfigOf({server.url()})), request);
  ASSERT_TRUE(heard.result.ok()) << heard.result.status().ToString();
  EXPECT_EQ(heard.result->stop_reason, StopReason::kRepetition);
  EXPECT_LT(heard.result->text.size(), 7000);
  WaitUntil([&] { return closed.load(); });
}

TEST(OpenAiBackendTest, ABlankFormIsNoLoop) {
  std::string row = "<tr>";
  for (int i = 0; i < 10; ++i) row += "<td></td>";
  std::string form;
  for (int i = 0; i < 40; ++i) form += row + "</tr>";
  FakeOpenAi server([&](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, form); });
  GenerationRequest request = Question();
  request.sampling.detect_loops = true;
  const Heard heard = Ask(*Connect(ConfigOf({server.url()})), request);
  ExpectAnswer(heard, form);
  EXPECT_EQ(heard.result->stop_reason, StopReason::kEndOfText);
}

TEST(OpenAiBackendTest, LargeImagesAreSentWhole) {
  FakeOpenAi server([](const ScriptedRequest&, ScriptedPeer& peer) { Answer(peer, "x"); });
  GenerationRequest request = Question();
  request.image.bytes = std::make_shared<const std::string>(std::string(3 << 20, '\x7F'));
  ExpectAnswer(Ask(*Connect(ConfigOf({server.url()})), request), "x");
  const json body = json::parse(server.completions().front().body);
  const std::string url = body["messages"][0]["content"][0]["image_url"]["url"];
  EXPECT_EQ(url.size(), std::string("data:application/octet-stream;base64,").size() + (4 << 20));
}

TEST(OpenAiBackendTest, WrongSettings) {
  const auto message = [](const OpenAiBackendConfig& config) {
    const auto backend = OpenAiBackend::Create(config);
    EXPECT_EQ(backend.status().code(), StatusCode::kInvalidArgument);
    return backend.status().message();
  };
  EXPECT_THAT(message(ConfigOf({})), HasSubstr("base_urls"));
  for (const char* url : {"", "localhost:8000", "ftp://h/", "http://u:p@h/", "http://h/v1?x=1"}) {
    EXPECT_THAT(message(ConfigOf({url})), HasSubstr(fmt::format("base URL '{}'", url)));
  }
  OpenAiBackendConfig config = ConfigOf({"http://127.0.0.1:1"});
  config.api_key = "a\r\nb";
  EXPECT_THAT(message(config), HasSubstr("api_key"));
  config = ConfigOf({"http://127.0.0.1:1"});
  config.max_connections = 0;
  EXPECT_THAT(message(config), HasSubstr("max_connections"));
}

}  // namespace
}  // namespace mao
