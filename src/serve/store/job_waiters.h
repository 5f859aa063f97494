// Threads that wait for a job to change, woken by the change itself.
#ifndef MAOOCR_SERVE_STORE_JOB_WAITERS_H_
#define MAOOCR_SERVE_STORE_JOB_WAITERS_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/status.h"

namespace mao {

// Thread-safe. One condition variable for each name that is waited for, so that a change wakes only
// those whom it concerns.
class JobWaiters {
 private:
  struct Topic;

 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // A place in the line. Changes count from its making on, so: take it, look, then wait.
  class Place {
   public:
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place();

    // True as soon as there was a change since the last call; false at the deadline or when the
    // waiting is over.
    bool WaitUntil(Deadline deadline);

   private:
    friend class JobWaiters;
    Place(JobWaiters* waiters, std::string name, std::shared_ptr<Topic> topic, uint64_t seen)
        : waiters_(waiters), name_(std::move(name)), topic_(std::move(topic)), seen_(seen) {}

    JobWaiters* waiters_;
    std::string name_;
    std::shared_ptr<Topic> topic_;  // null once moved from
    uint64_t seen_;
  };

  explicit JobWaiters(size_t max_waiters) : max_waiters_(max_waiters) {}

  // ResourceExhausted: as many wait already as may.
  Result<Place> Take(const std::string& name);

  void Notify(const std::string& name);

  // Wakes everybody; from now on nobody waits.
  void Stop();

 private:
  struct Topic {
    std::condition_variable changed;
    uint64_t num_changes = 0;
    size_t num_places = 0;
  };

  const size_t max_waiters_;
  std::mutex mutex_;  // guards all below
  bool stopped_ = false;
  size_t num_waiters_ = 0;
  std::unordered_map<std::string, std::shared_ptr<Topic>> topics_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_JOB_WAITERS_H_
