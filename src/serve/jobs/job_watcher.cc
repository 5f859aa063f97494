#include "serve/jobs/job_watcher.h"

#include <utility>

#include "serve/http/respond.h"
#include "serve/jobs/route_table.h"

namespace mao {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

JobWatcher::JobWatcher(JobStore& jobs)
    : jobs_(jobs), thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

JobWatcher::~JobWatcher() = default;

void JobWatcher::Watch(std::shared_ptr<Exchange> exchange, std::string owner, std::string id,
                       int64_t version, Clock::time_point deadline, Respond respond) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(exchange), std::move(owner), std::move(id), version, deadline,
                        std::move(respond)});
  }
  added_.notify_one();
}

void JobWatcher::Loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (added_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    std::list<Watched> taken;
    taken.swap(waiting_);
    lock.unlock();
    taken.remove_if([this](const Watched& watched) { return Answer(watched); });
    lock.lock();
    waiting_.splice(waiting_.end(), taken);
    added_.wait_for(lock, stop, kInterval, [] { return false; });
    if (stop.stop_requested()) break;
  }
  for (const Watched& watched : waiting_) {
    watched.exchange->Send(OpenAiError(UnavailableError("the server is stopping")));
  }
}

// False: the client goes on waiting.
bool JobWatcher::Answer(const Watched& watched) {
  const Result<StoredJob> job = jobs_.Get(watched.owner, watched.id);
  if (!job.ok()) {
    watched.exchange->Send(OpenAiError(job.status(), kJobNotFound));
    return true;
  }
  if (job->version == watched.version && !HasEnded(job->state) && Clock::now() < watched.deadline) {
    return false;
  }
  watched.exchange->Send(watched.respond(*job));
  return true;
}

}  // namespace mao
