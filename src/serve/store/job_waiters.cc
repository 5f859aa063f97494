#include "serve/store/job_waiters.h"

#include <utility>

#include <fmt/core.h>

namespace mao {

JobWaiters::Place::~Place() {
  if (topic_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(waiters_->mutex_);
  --waiters_->num_waiters_;
  if (--topic_->num_places == 0) waiters_->topics_.erase(name_);
}

bool JobWaiters::Place::WaitUntil(Deadline deadline) {
  std::unique_lock<std::mutex> lock(waiters_->mutex_);
  topic_->changed.wait_until(lock, deadline,
                             [&] { return waiters_->stopped_ || topic_->num_changes != seen_; });
  // Also after Stop: whoever waits looks once more at what came before it.
  const bool has_changed = topic_->num_changes != seen_;
  seen_ = topic_->num_changes;
  return has_changed;
}

Result<JobWaiters::Place> JobWaiters::Take(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (num_waiters_ >= max_waiters_) {
    return ResourceExhaustedError(
        fmt::format("{}: the limit of {} waiting requests is reached", name, max_waiters_));
  }
  auto& topic = topics_[name];
  if (topic == nullptr) topic = std::make_shared<Topic>();
  ++topic->num_places;
  ++num_waiters_;
  return Place(this, name, topic, topic->num_changes);
}

void JobWaiters::Notify(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto topic = topics_.find(name);
  if (topic == topics_.end()) return;
  ++topic->second->num_changes;
  topic->second->changed.notify_all();
}

void JobWaiters::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  for (auto& [name, topic] : topics_) topic->changed.notify_all();
}

}  // namespace mao
