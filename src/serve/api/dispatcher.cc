#include "serve/api/dispatcher.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/core.h>

namespace mao {

void Call::Cancel() {
  stop_.request_stop();
  if (const std::shared_ptr<Dispatcher> dispatcher = dispatcher_.lock()) dispatcher->Cancel(*this);
}

bool Dispatcher::Before::operator()(const std::shared_ptr<Call>& a,
                                    const std::shared_ptr<Call>& b) const {
  return std::tuple(a->request_.priority, a->order_) < std::tuple(b->request_.priority, b->order_);
}

Dispatcher::Dispatcher(Limits limits, Work work, Drop drop)
    : limits_(limits),
      work_(std::move(work)),
      drop_(std::move(drop)),
      reaper_([this] { RunReaper(); }) {}

Dispatcher::~Dispatcher() { Stop(); }

Status Dispatcher::Push(std::shared_ptr<Call> call) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return UnavailableError("the server is stopping");
  if (call->known_ != nullptr) {
    known_.push_back(std::move(call));
    queue_changed_.notify_one();
    return OkStatus();
  }
  const bool is_free = num_idle_ > waiting_.size() || workers_.size() < limits_.max_workers;
  const bool may_wait = call->request_.is_continuation;
  if (!is_free && !may_wait && waiting_.size() >= limits_.max_queue_length) {
    return ResourceExhaustedError(
        fmt::format("{} requests wait already; the limit (max_queue_length) is {}", waiting_.size(),
                    limits_.max_queue_length));
  }
  call->order_ = num_pushed_++;
  call->dispatcher_ = weak_from_this();
  waiting_.insert(std::move(call));
  if (num_idle_ < waiting_.size() && workers_.size() < limits_.max_workers) {
    workers_.emplace_back([this] { RunWorker(); });
  }
  has_work_.notify_one();
  queue_changed_.notify_one();
  return OkStatus();
}

void Dispatcher::Cancel(Call& call) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = waiting_.find(call.shared_from_this());
    if (it == waiting_.end()) return;
    cancelled_.push_back(std::move(waiting_.extract(it).value()));
  }
  queue_changed_.notify_one();
}

void Dispatcher::Stop() {
  std::vector<std::thread> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
    for (const std::shared_ptr<Call>& call : running_) call->stop_.request_stop();
  }
  has_work_.notify_all();
  queue_changed_.notify_one();
  for (std::thread& worker : workers) worker.join();
  if (reaper_.joinable()) reaper_.join();
}

Dispatcher::Load Dispatcher::load() const {
  const std::lock_guard lock(mutex_);
  return {waiting_.size() + known_.size(), running_.size()};
}

void Dispatcher::RunWorker() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++num_idle_;
    has_work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --num_idle_;
    if (stopping_) return;
    std::shared_ptr<Call> call = std::move(waiting_.extract(waiting_.begin()).value());
    running_.insert(call);
    lock.unlock();
    work_(*call);
    lock.lock();
    running_.erase(call);
  }
}

std::shared_ptr<Call> Dispatcher::TakeExpired(Call::Clock::time_point& next_deadline) {
  const auto earliest =
      std::min_element(waiting_.begin(), waiting_.end(),
                       [](const auto& a, const auto& b) { return a->deadline_ < b->deadline_; });
  if (earliest == waiting_.end()) return nullptr;
  next_deadline = (*earliest)->deadline_;
  if (next_deadline > Call::Clock::now()) return nullptr;
  return std::move(waiting_.extract(earliest).value());
}

void Dispatcher::AnswerKnown(std::unique_lock<std::mutex>& lock) {
  while (!known_.empty()) {
    const std::shared_ptr<Call> call = std::move(known_.back());
    known_.pop_back();
    running_.insert(call);
    lock.unlock();
    work_(*call);
    lock.lock();
    running_.erase(call);
  }
}

void Dispatcher::RunReaper() {
  constexpr std::chrono::hours kLong{1};
  std::unique_lock lock(mutex_);
  while (true) {
    AnswerKnown(lock);
    std::shared_ptr<Call> call;
    Status status = CancelledError("the request was cancelled");
    Call::Clock::time_point next_deadline = Call::Clock::now() + kLong;
    if (!cancelled_.empty()) {
      call = std::move(cancelled_.back());
      cancelled_.pop_back();
    } else if (stopping_) {
      if (waiting_.empty()) return;
      call = std::move(waiting_.extract(waiting_.begin()).value());
      status = UnavailableError("the server is stopping");
    } else {
      call = TakeExpired(next_deadline);
      status = DeadlineExceededError("the request waited in the queue beyond its deadline");
    }
    if (call == nullptr) {
      queue_changed_.wait_until(lock, next_deadline);
      continue;
    }
    lock.unlock();
    drop_(*call, std::move(status));
    lock.lock();
  }
}

}  // namespace mao
