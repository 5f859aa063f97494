// A backend without a model: it answers what a test tells it to.
#ifndef MAOOCR_SERVE_API_TESTING_FAKE_BACKEND_H_
#define MAOOCR_SERVE_API_TESTING_FAKE_BACKEND_H_

#include <condition_variable>
#include <mutex>
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
  // The answer to prompts that contain `part`; the first that fits counts. Other prompts get "".
  void AnswerTo(std::string part, std::string text, StopReason reason = StopReason::kEndOfText);
  // All requests fail.
  void FailWith(Status status);
  // Answers wait, after their first piece, until they are cancelled or released.
  void Hold();
  void Release();

  std::vector<GenerationRequest> requests() const;

  std::string_view engine_name() const override { return "vllm_direct"; }
  size_t max_concurrency() const override { return 4; }
  Status health() const override { return OkStatus(); }
  const Engine* engine() const override { return nullptr; }
  // In pieces of 8 bytes or a little more, whole characters, each one token. 10 tokens of prompt, 6
  // of image, and the size mode that was asked for, "base" for "auto".
  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image> image,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override;

 private:
  struct Answer {
    std::string part;
    std::string text;
    StopReason reason;
  };

  mutable std::mutex mutex_;
  std::condition_variable_any released_;
  bool held_ = false;
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
