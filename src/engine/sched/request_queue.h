// Requests in the order in which they are served: priority, then arrival.
#ifndef MAOOCR_ENGINE_SCHED_REQUEST_QUEUE_H_
#define MAOOCR_ENGINE_SCHED_REQUEST_QUEUE_H_

#include <cstddef>
#include <span>
#include <vector>

#include "engine/sched/request_state.h"

namespace mao {

bool IsServedBefore(const RequestState& a, const RequestState& b);

// A sorted array of requests owned elsewhere. Since a preempted request arrived before every one of
// its priority that has not run yet, inserting it puts it in front of them.
class RequestQueue {
 public:
  bool empty() const { return requests_.empty(); }
  size_t size() const { return requests_.size(); }
  RequestState* operator[](size_t i) const { return requests_[i]; }
  RequestState* front() const { return requests_.front(); }
  RequestState* back() const { return requests_.back(); }
  std::span<const RequestState* const> View() const { return requests_; }

  void Insert(RequestState* request);
  void Remove(const RequestState* request);

 private:
  std::vector<RequestState*> requests_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_REQUEST_QUEUE_H_
