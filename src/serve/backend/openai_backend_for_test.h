// A server of chat completions that does what a test says, and a backend that asks it.
#ifndef MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_FOR_TEST_H_
#define MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_FOR_TEST_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/backend/openai_backend.h"
#include "serve/fetch/testing/scripted_server.h"

namespace mao {

inline std::string Event(const nlohmann::json& data) { return "data: " + data.dump() + "\n\n"; }

inline std::string TextEvent(const std::string& text) {
  return Event({{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}});
}

inline std::string EndEvents(const std::string& finish_reason = "stop") {
  return Event({{"choices",
                 {{{"index", 0},
                   {"delta", nlohmann::json::object()},
                   {"finish_reason", finish_reason}}}}}) +
         Event({{"choices", nlohmann::json::array()},
                {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 5}}}}) +
         "data: [DONE]\n\n";
}

inline constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline bool WriteChunk(ScriptedPeer& peer, const std::string& bytes) {
  return peer.Write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

inline void Stream(ScriptedPeer& peer, const std::vector<std::string>& events) {
  peer.Write(kStreamHead);
  for (const std::string& event : events) WriteChunk(peer, event);
  peer.Write("0\r\n\r\n");
}

inline void Answer(ScriptedPeer& peer, const std::string& text) {
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

inline OpenAiBackendConfig ConfigOf(const std::vector<std::string>& urls) {
  OpenAiBackendConfig config;
  config.base_urls = urls;
  config.model = "remote";
  config.backoff.first = std::chrono::milliseconds(5);
  config.health_interval = std::chrono::milliseconds(20);
  return config;
}

inline std::unique_ptr<OpenAiBackend> Connect(const OpenAiBackendConfig& config) {
  Result<std::unique_ptr<OpenAiBackend>> backend = OpenAiBackend::Create(config);
  EXPECT_TRUE(backend.ok()) << backend.status().ToString();
  return backend.ok() ? std::move(backend).value() : nullptr;
}

inline GenerationRequest Question() {
  GenerationRequest request;
  request.prompt = {{"Read this.", true}};
  return request;
}

struct Heard {
  Result<Generation> result = InternalError("not asked");
  std::vector<std::string> pieces;
};

inline Heard Ask(OpenAiBackend& backend, const GenerationRequest& request = Question(),
                 std::chrono::milliseconds limit = std::chrono::minutes(5),
                 const std::stop_token& stop = {}) {
  Heard heard;
  heard.result = backend.Generate(
      request, nullptr, std::chrono::steady_clock::now() + limit,
      [&](const GenerationOutput& output) { heard.pieces.push_back(output.text); }, stop);
  return heard;
}

inline void ExpectAnswer(const Heard& heard, const std::string& text) {
  ASSERT_TRUE(heard.result.ok()) << heard.result.status().ToString();
  EXPECT_EQ(heard.result->text, text);
}

inline void ExpectFailure(const Heard& heard, StatusCode code, const std::string& message) {
  ASSERT_FALSE(heard.result.ok());
  EXPECT_EQ(heard.result.status().code(), code) << heard.result.status().ToString();
  EXPECT_THAT(heard.result.status().message(), testing::HasSubstr(message));
}

// A port where nothing listens.
inline uint16_t DeadPort() {
  return ScriptedServer([](const ScriptedRequest&, ScriptedPeer&) {}).port();
}

template <typename Condition>
void WaitUntil(const Condition& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_FOR_TEST_H_
