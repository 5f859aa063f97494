// What is asked of the server, what is made of its answers, and whom else is asked when it fails.
#include "serve/backend/openai_backend.h"

#include <atomic>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/backend/openai_backend_for_test.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

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
