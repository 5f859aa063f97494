// Answers long polls when their job has changed.
#ifndef MAOOCR_SERVE_JOBS_JOB_WATCHER_H_
#define MAOOCR_SERVE_JOBS_JOB_WATCHER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "serve/http/exchange.h"
#include "serve/store/job_store.h"

namespace mao {

// One thread for all of them, which looks a few times a second while anyone waits: a thread for each
// would be dear, and a change takes longer than the look.
class JobWatcher {
 public:
  using Clock = std::chrono::steady_clock;
  using Respond = std::function<HttpResponse(const StoredJob& job)>;

  explicit JobWatcher(JobStore& jobs);
  ~JobWatcher();
  JobWatcher(const JobWatcher&) = delete;
  JobWatcher& operator=(const JobWatcher&) = delete;

  // Sends `respond` of the job once it has ended, its version is not `version`, or the time is up.
  void Watch(std::shared_ptr<Exchange> exchange, std::string owner, std::string id, int64_t version,
             Clock::time_point deadline, Respond respond);

 private:
  struct Watched {
    std::shared_ptr<Exchange> exchange;
    std::string owner;
    std::string id;
    int64_t version;
    Clock::time_point deadline;
    Respond respond;
  };

  void Loop(const std::stop_token& stop);
  bool Answer(const Watched& watched);

  JobStore& jobs_;
  std::mutex mutex_;
  std::condition_variable_any added_;
  std::list<Watched> waiting_;
  std::jthread thread_;  // last: uses all of the above
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_JOB_WATCHER_H_
