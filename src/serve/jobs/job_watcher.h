// Tells those who wait when their job has changed.
#ifndef MAOOCR_SERVE_JOBS_JOB_WATCHER_H_
#define MAOOCR_SERVE_JOBS_JOB_WATCHER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "base/status.h"
#include "serve/store/job_store.h"

namespace mao {

// One thread for all of them, which looks a few times a second while anyone waits: a thread for each
// would be dear, and a change takes longer than the look.
class JobWatcher {
 public:
  using Clock = std::chrono::steady_clock;

  struct Watch {
    std::string owner;
    std::string id;
    int64_t version = 0;
    Clock::time_point deadline;
    // Whether nobody waits any more; may be empty.
    std::function<bool()> is_over;
    // Once: Cancelled when it is over, the job when it has ended, its version is not `version`, or the time
    // is up; or why there is no job to be had. On the thread of the watcher.
    std::function<void(const Result<StoredJob>&)> notify;
  };

  explicit JobWatcher(JobStore& jobs);
  ~JobWatcher();
  JobWatcher(const JobWatcher&) = delete;
  JobWatcher& operator=(const JobWatcher&) = delete;

  void Add(Watch watch);
  // Tells all who wait, and who come later, that the server is stopping.
  void Stop();

 private:
  void Loop(const std::stop_token& stop);
  bool Answer(const Watch& watch);

  JobStore& jobs_;
  std::mutex mutex_;
  bool is_stopped_ = false;
  std::condition_variable_any added_;
  std::list<Watch> waiting_;
  std::jthread thread_;  // last: uses all of the above
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_JOB_WATCHER_H_
