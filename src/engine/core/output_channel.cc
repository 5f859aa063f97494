#include "engine/core/output_channel.h"

#include <iterator>
#include <utility>

namespace mao {

void OutputChannel::Push(EngineOutput output) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    pending_.text += output.text;
    pending_.token_ids.insert(pending_.token_ids.end(), output.token_ids.begin(),
                              output.token_ids.end());
    std::move(output.logprobs.begin(), output.logprobs.end(),
              std::back_inserter(pending_.logprobs));
    if (output.finished) {
      pending_.finished = closed_ = true;
      pending_.stop_reason = output.stop_reason;
      pending_.status = std::move(output.status);
    }
    has_pending_ = true;
  }
  changed_.notify_one();
}

void OutputChannel::SetStats(const RequestStats& stats) {
  const std::lock_guard lock(mutex_);
  stats_ = stats;
}

EngineOutput OutputChannel::Take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_pending_; });
  has_pending_ = false;
  return std::exchange(pending_, EngineOutput());
}

RequestStats OutputChannel::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace mao
