// For tests: an observer that keeps what a call told it.
#ifndef MAOOCR_SERVE_API_TESTING_RECORDING_OBSERVER_H_
#define MAOOCR_SERVE_API_TESTING_RECORDING_OBSERVER_H_

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "serve/api/call.h"

namespace mao {

// Thread-safe.
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

#endif  // MAOOCR_SERVE_API_TESTING_RECORDING_OBSERVER_H_
