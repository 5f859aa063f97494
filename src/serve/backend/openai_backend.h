// Servers that speak OpenAI's API (a vLLM cluster, another MaoOCR) as a backend.
#ifndef MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_H_
#define MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "serve/api/backend.h"
#include "serve/backend/retry_delay.h"
#include "serve/backend/server_pool.h"
#include "serve/fetch/curl_transfer.h"

namespace mao {

struct OpenAiBackendConfig {
  // "http://host:8000/v1"; without a path, "/v1" is added.
  std::vector<std::string> base_urls;
  std::string api_key;
  std::string model;            // as the servers call it; empty: their default
  size_t max_connections = 64;  // to each base URL: requests that it works on at once
  // Of one attempt. Only what belongs to the answer counts: a server that keeps the connection alive
  // with headers and comments is as silent as one that sends nothing. There is no limit for a whole
  // answer but the request's deadline.
  std::chrono::milliseconds connect_timeout{5'000};        // with TLS
  std::chrono::milliseconds first_token_timeout{600'000};  // from the beginning
  std::chrono::milliseconds stall_timeout{120'000};        // between two tokens, and to the end
  int max_retries = 2;  // after a wait; going on to a server that was not tried yet is none
  BackoffConfig backoff;
  std::chrono::milliseconds health_interval{10'000};
  std::chrono::milliseconds health_timeout{5'000};
  bool send_vllm_fields = true;  // see chat_request.h; strict servers want only OpenAI's
  bool use_environment_proxy = false;
};

class ChatAnswer;

// Each request goes to the healthy server with the least outstanding requests. Before the first
// token a request moves on to another server, or waits and comes back, when the connection fails or
// the answer is 429, 502, 503 or 504; when none comes in time, it moves on but does not come back. A
// server that fails gets nothing until it answers a probe
// (GET /health, else /v1/models), which is sent in the background.
//
// Of the answer's fields the servers tell: text, stop reason, token counts; token ids where they
// follow vLLM's return_token_ids. The image's mode is what the request says ("auto" stays), and
// boxes are taken as relative to the image itself. Times of RequestStats are seen from here:
// prefill_ms is all until the first token. With detect_loops a text that repeats itself is ended
// here; the detector then looks at bytes, since ids need not be known.
//
// Errors name the server's host: Unavailable, InvalidArgument (400, 422), NotFound (404),
// OutOfRange (413), ResourceExhausted (429), DeadlineExceeded, Cancelled.
class OpenAiBackend final : public Backend {
 public:
  // InvalidArgument names the setting.
  static Result<std::unique_ptr<OpenAiBackend>> Create(const OpenAiBackendConfig& config);
  ~OpenAiBackend() override;
  OpenAiBackend(const OpenAiBackend&) = delete;
  OpenAiBackend& operator=(const OpenAiBackend&) = delete;

  std::string_view engine_name() const override { return "vllm_openai"; }
  size_t max_concurrency() const override { return config_.max_connections * servers_.size(); }
  Status health() const override { return pool_.health(); }
  const Engine* engine() const override { return nullptr; }

  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image> image,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override;

  const ServerPool& pool() const { return pool_; }

 private:
  struct Server {
    std::string base_url;    // ends in "/v1" or the path that was given
    std::string health_url;  // beside it
    std::string name;        // host and port
  };
  // A request on its way, over all its attempts.
  struct Outgoing {
    const GenerationRequest& request;
    const std::string body;
    const std::chrono::steady_clock::time_point deadline;
    const OnGenerationOutput& on_output;
    const std::stop_token& stop;
  };
  // What came of one of them.
  struct Attempt {
    Result<Generation> result;
    bool can_retry = false;
    bool only_elsewhere = false;  // with another server; waiting for this one took long enough
    std::chrono::milliseconds retry_after{0};
  };

  OpenAiBackend(const OpenAiBackendConfig& config, std::vector<Server> servers);

  static Result<Server> ReadBaseUrl(const std::string& base_url);
  // With the next server; adds it to `tried`.
  Attempt TryNext(std::set<size_t>& tried, const Outgoing& outgoing);
  Attempt Try(size_t server, const Outgoing& outgoing);
  // What the end of a transfer means. `body` is that of an answer which is no 200.
  Attempt Conclude(size_t server, const CurlTransfer& transfer,
                   const CurlTransfer::Outcome& outcome, const std::string& body,
                   ChatAnswer& answer);
  void SetOptions(const Server& server, const Outgoing& outgoing, CurlTransfer& transfer) const;
  void SetCommonOptions(CurlTransfer& transfer) const;
  std::unique_ptr<CurlTransfer> TakeTransfer(size_t server);
  void GiveBack(size_t server, std::unique_ptr<CurlTransfer> transfer);
  // Of a thread for each server.
  void Watch(size_t server, const std::stop_token& stop);
  Status Probe(size_t server, CurlTransfer& transfer, const std::stop_token& stop) const;

  const OpenAiBackendConfig config_;
  const std::vector<Server> servers_;
  ServerPool pool_;
  std::mutex mutex_;
  std::vector<std::vector<std::unique_ptr<CurlTransfer>>> idle_transfers_;  // of each server
  std::vector<std::jthread> watchers_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_OPENAI_BACKEND_H_
