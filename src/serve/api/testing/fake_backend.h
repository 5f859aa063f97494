// A backend without a model: it answers what a test tells it to.
#ifndef MAOOCR_SERVE_API_TESTING_FAKE_BACKEND_H_
#define MAOOCR_SERVE_API_TESTING_FAKE_BACKEND_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "serve/api/service.h"

namespace mao {

// The pieces of a prompt as one text.
std::string PromptText(const GenerationRequest& request);

// A white page as a PNG file.
std::string WhitePage(int width, int height);

// Thread-safe.
class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(size_t max_concurrency = 4) : max_concurrency_(max_concurrency) {}

  // The answer to prompts that contain `part`; the first that fits counts. Other prompts get "".
  void AnswerTo(std::string part, std::string text, StopReason reason = StopReason::kEndOfText);
  // In these pieces.
  void AnswerTo(std::string part, std::vector<std::string> pieces, StopReason reason);
  // Other prompts get themselves.
  void EchoPrompts();
  // All requests fail; ok: they do not.
  void FailWith(Status status);
  // Answers wait, after their first piece, until they are cancelled, released or past their deadline.
  void Hold();
  void Release();
  // Until so many calls of Generate have begun since the start.
  void WaitForCalls(size_t num_calls);

  // Of all calls in the order in which they came, the first thousand.
  std::vector<GenerationRequest> requests() const;
  std::vector<std::string> prompts() const;
  // What stalled_for says from now on.
  void SetStalled(std::optional<std::chrono::milliseconds> time);
  // Of calls that ended by a stop request.
  size_t num_stopped() const;

  std::string_view engine_name() const override { return "vllm_direct"; }
  size_t max_concurrency() const override { return max_concurrency_; }
  Status health() const override { return OkStatus(); }
  std::optional<std::chrono::milliseconds> stalled_for() const override;
  const Engine* engine() const override { return nullptr; }
  // In pieces of 8 bytes or a little more, whole characters, or as told; each one token. 10 tokens of prompt, 6
  // of image, and the size mode that was asked for, "base" for "auto".
  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image> image,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override;

 private:
  struct Answer {
    std::string part;
    std::vector<std::string> pieces;
    StopReason reason;
  };

  // Under the lock.
  Answer AnswerOf(const std::string& prompt) const;
  Status WaitWhileHeld(std::unique_lock<std::mutex>& lock,
                       std::chrono::steady_clock::time_point deadline, const std::stop_token& stop);

  const size_t max_concurrency_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool held_ = false;
  bool echoes_ = false;
  std::optional<std::chrono::milliseconds> stalled_for_;
  size_t num_calls_ = 0;
  size_t num_stopped_ = 0;
  Status status_;
  std::vector<Answer> answers_;
  std::vector<GenerationRequest> requests_;
};

// A service with one model, "fake-ocr", that a FakeBackend answers for.
struct FakeService {
  explicit FakeService(const ServiceConfig& config = {}, FetchUrl fetch_url = nullptr)
      : service(config, std::move(fetch_url)) {
    service.AddModel("fake-ocr");
    service.SetReady("fake-ocr", backend);
  }

  std::shared_ptr<FakeBackend> backend = std::make_shared<FakeBackend>();
  Service service;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_TESTING_FAKE_BACKEND_H_
