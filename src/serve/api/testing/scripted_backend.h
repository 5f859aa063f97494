// For tests: a backend whose answers and pace the test decides.
#ifndef MAOOCR_SERVE_API_TESTING_SCRIPTED_BACKEND_H_
#define MAOOCR_SERVE_API_TESTING_SCRIPTED_BACKEND_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serve/api/backend.h"
#include "serve/api/call.h"

namespace mao {

// Answers with the prompt's text, piece by piece. While `Hold` is on, calls wait after their first
// piece until they are released, stopped, or past their deadline.
class ScriptedBackend final : public Backend {
 public:
  explicit ScriptedBackend(size_t max_concurrency) : max_concurrency_(max_concurrency) {}

  std::string_view engine_name() const override { return "vllm_direct"; }
  size_t max_concurrency() const override { return max_concurrency_; }
  Status health() const override { return OkStatus(); }
  const Engine* engine() const override { return nullptr; }

  void Hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void Release() {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
    }
    changed_.notify_all();
  }
  // Waits until so many calls of Generate have begun since the start.
  void WaitForCalls(size_t num_calls) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return prompts_.size() >= num_calls; });
  }
  // Of all calls so far, in the order in which they came.
  std::vector<std::string> prompts() const {
    const std::lock_guard lock(mutex_);
    return prompts_;
  }
  // The next calls fail with this; ok: they do not.
  void FailWith(Status status) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }

  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image>,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override {
    Generation answer;
    for (const PromptPiece& piece : request.prompt) answer.text += piece.text;
    std::unique_lock lock(mutex_);
    prompts_.push_back(answer.text);
    changed_.notify_all();
    if (!failure_.ok()) return failure_;
    lock.unlock();
    const size_t half = answer.text.size() / 2;
    on_output({answer.text.substr(0, half), {1}, {}});
    lock.lock();
    const std::stop_callback wake(stop, [this] { changed_.notify_all(); });
    const auto may_go_on = [&] { return !held_ || stop.stop_requested(); };
    if (!changed_.wait_until(lock, deadline, may_go_on)) {
      return DeadlineExceededError("past the deadline");
    }
    if (stop.stop_requested()) return CancelledError("cancelled");
    lock.unlock();
    on_output({answer.text.substr(half), {2}, {}});
    answer.token_ids = {1, 2};
    answer.stop_reason = StopReason::kEndOfText;
    answer.stats.num_prompt_tokens = 5;
    answer.stats.num_output_tokens = 2;
    return answer;
  }

 private:
  const size_t max_concurrency_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool held_ = false;
  Status failure_;
  std::vector<std::string> prompts_;
};

// Keeps what a call told it.
class RecordingObserver final : public CallObserver {
 public:
  void OnOutput(const GenerationOutput& output) override {
    const std::lock_guard lock(mutex_);
    text_ += output.text;
    outputs_after_end_ += result_.has_value() ? 1 : 0;
  }
  void OnDone(const Result<Generation>& result) override {
    {
      const std::lock_guard lock(mutex_);
      ++num_ends_;
      result_ = result;
    }
    done_.notify_all();
  }
  Result<Generation> Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return result_.has_value(); });
    return *result_;
  }
  bool done() const {
    const std::lock_guard lock(mutex_);
    return result_.has_value();
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // The contract: exactly one end, and nothing after it.
  bool kept_the_order() const {
    const std::lock_guard lock(mutex_);
    return num_ends_ == 1 && outputs_after_end_ == 0;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::string text_;
  std::optional<Result<Generation>> result_;
  int num_ends_ = 0;
  int outputs_after_end_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_TESTING_SCRIPTED_BACKEND_H_
