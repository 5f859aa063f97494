#include "engine/sched/request_queue.h"

#include <algorithm>

namespace mao {

bool IsServedBefore(const RequestState& a, const RequestState& b) {
  return a.priority != b.priority ? a.priority < b.priority : a.arrival < b.arrival;
}

void RequestQueue::Insert(RequestState* request) {
  const auto place = std::lower_bound(
      requests_.begin(), requests_.end(), request,
      [](const RequestState* a, const RequestState* b) { return IsServedBefore(*a, *b); });
  requests_.insert(place, request);
}

void RequestQueue::Remove(const RequestState* request) {
  const auto place = std::lower_bound(
      requests_.begin(), requests_.end(), request,
      [](const RequestState* a, const RequestState* b) { return IsServedBefore(*a, *b); });
  if (place != requests_.end() && *place == request) requests_.erase(place);
}

}  // namespace mao
