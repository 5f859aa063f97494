// The queue in front of one model, and the threads that take calls through it.
#ifndef MAOOCR_SERVE_API_DISPATCHER_H_
#define MAOOCR_SERVE_API_DISPATCHER_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "serve/api/call.h"

namespace mao {

// A call holds its file only, undecoded, until a worker takes it: what waits is cheap. Served by
// priority, then in order of arrival.
class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  struct Limits {
    size_t max_queue_length;  // calls that may wait
    size_t max_workers;       // calls worked on at once
  };
  // Takes the call to its end; on a worker thread.
  using Work = std::function<void(Call&)>;
  // Ends a call that no worker has seen: cancelled or past its deadline.
  using Drop = std::function<void(Call&, Status)>;

  Dispatcher(Limits limits, Work work, Drop drop);
  // Only after Stop.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // ResourceExhausted when the queue is full (but for GenerationRequest::is_continuation), Unavailable
  // after Stop. A call whose answer is known passes the queue, and keeps no worker busy.
  Status Push(std::shared_ptr<Call> call);
  // Has a call that still waits dropped; one that is worked on ends by its stop token. Calls nobody
  // back itself.
  void Cancel(Call& call);
  // Cancels everything and waits for the workers.
  void Stop();

  struct Load {
    size_t num_waiting = 0;
    size_t num_running = 0;
  };
  Load load() const;

 private:
  // By priority, then arrival.
  struct Before {
    bool operator()(const std::shared_ptr<Call>& a, const std::shared_ptr<Call>& b) const;
  };

  void RunWorker();
  void RunReaper();
  void AnswerKnown(std::unique_lock<std::mutex>& lock);
  // A waiting call that is past its deadline; else null, and when the next one will be.
  std::shared_ptr<Call> TakeExpired(Call::Clock::time_point& next_deadline);

  const Limits limits_;
  const Work work_;
  const Drop drop_;

  mutable std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable queue_changed_;
  std::set<std::shared_ptr<Call>, Before> waiting_;
  std::vector<std::shared_ptr<Call>> cancelled_;  // while they waited
  std::vector<std::shared_ptr<Call>> known_;      // whose answers are
  std::set<std::shared_ptr<Call>> running_;
  uint64_t num_pushed_ = 0;
  size_t num_idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;  // started as they are needed
  std::thread reaper_;                // ends calls that no worker needs to see
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_DISPATCHER_H_
