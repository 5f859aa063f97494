// For tests and benchmarks: a backend that writes what it is told, at the pace that it is told.
#ifndef MAOOCR_SERVE_GRPC_FAKE_BACKEND_H_
#define MAOOCR_SERVE_GRPC_FAKE_BACKEND_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "serve/api/backend.h"

namespace mao {

class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

  std::string_view engine_name() const override { return "vllm_direct"; }
  size_t max_concurrency() const override { return 2; }
  Status health() const override { return OkStatus(); }
  const Engine* engine() const override { return nullptr; }

  // Calls wait after their first piece until Release, a stop request or their deadline.
  void Hold() {
    const std::lock_guard lock(mutex_);
    is_held_ = true;
  }
  void Release() {
    {
      const std::lock_guard lock(mutex_);
      is_held_ = false;
    }
    changed_.notify_all();
  }
  void WaitForCalls(size_t num_calls) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_.size() >= num_calls; });
  }
  // Without their images.
  std::vector<GenerationRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // Of calls that ended by a stop request.
  size_t num_stopped() const {
    const std::lock_guard lock(mutex_);
    return num_stopped_;
  }

  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image>,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override {
    NoteCall(request);
    Generation answer;
    for (const std::string& piece : pieces_) {
      on_output({piece, {static_cast<TokenId>(answer.token_ids.size())}, {}});
      answer.text += piece;
      answer.token_ids.push_back(static_cast<TokenId>(answer.token_ids.size()));
      MAO_RETURN_IF_ERROR(WaitWhileHeld(deadline, stop));
    }
    answer.stop_reason = StopReason::kMaxTokens;
    answer.image_mode = "base";
    answer.stats.num_prompt_tokens = 7;
    answer.stats.num_image_tokens = 5;
    answer.stats.num_output_tokens = static_cast<int64_t>(pieces_.size());
    return answer;
  }

 private:
  void NoteCall(GenerationRequest request) {
    request.image = {};
    {
      const std::lock_guard lock(mutex_);
      if (requests_.size() < kMaxRemembered) requests_.push_back(std::move(request));
    }
    changed_.notify_all();
  }

  Status WaitWhileHeld(std::chrono::steady_clock::time_point deadline,
                       const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    constexpr std::chrono::milliseconds kInterval{5};  // of looking for stops
    while (is_held_ && !stop.stop_requested()) {
      if (std::chrono::steady_clock::now() >= deadline) {
        return DeadlineExceededError("past the deadline");
      }
      changed_.wait_for(lock, kInterval);
    }
    if (!stop.stop_requested()) return OkStatus();
    ++num_stopped_;
    return CancelledError("stopped");
  }

  static constexpr size_t kMaxRemembered = 1000;

  const std::vector<std::string> pieces_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_held_ = false;
  size_t num_stopped_ = 0;
  std::vector<GenerationRequest> requests_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_FAKE_BACKEND_H_
