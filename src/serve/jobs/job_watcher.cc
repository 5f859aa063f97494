#include "serve/jobs/job_watcher.h"

#include <utility>

namespace mao {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

JobWatcher::JobWatcher(JobStore& jobs)
    : jobs_(jobs), thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

JobWatcher::~JobWatcher() { Stop(); }

void JobWatcher::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void JobWatcher::Add(Watch watch) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopped_) {
      waiting_.push_back(std::move(watch));
      added_.notify_one();
      return;
    }
  }
  watch.notify(UnavailableError("the server is stopping"));
}

void JobWatcher::Loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (added_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    std::list<Watch> taken;
    taken.swap(waiting_);
    lock.unlock();
    taken.remove_if([this](const Watch& watch) { return Answer(watch); });
    lock.lock();
    waiting_.splice(waiting_.end(), taken);
    added_.wait_for(lock, stop, kInterval, [] { return false; });
    if (stop.stop_requested()) break;
  }
  is_stopped_ = true;
  std::list<Watch> left;
  left.swap(waiting_);
  lock.unlock();
  for (const Watch& watch : left) watch.notify(UnavailableError("the server is stopping"));
}

// False: the client goes on waiting.
bool JobWatcher::Answer(const Watch& watch) {
  const bool is_over = watch.is_over && watch.is_over();
  const Result<StoredJob> job = is_over ? Result<StoredJob>(CancelledError("nobody waits any more"))
                                        : jobs_.Get(watch.owner, watch.id);
  if (job.ok() && job->version == watch.version && !HasEnded(job->state) &&
      Clock::now() < watch.deadline) {
    return false;
  }
  watch.notify(job);
  return true;
}

}  // namespace mao
