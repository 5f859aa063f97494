#include "engine/sample/lag_runs.h"

#include <algorithm>

namespace mao {

LagRuns LagRuns::Bounded(size_t max_lag) {
  LagRuns runs(max_lag, /*bounded=*/true);
  runs.ids_.reserve(2 * (max_lag + 1));
  runs.runs_.assign(max_lag + 1, 0);
  return runs;
}

LagRuns LagRuns::Unbounded(size_t expected_ids) {
  LagRuns runs(0, /*bounded=*/false);
  runs.ids_.reserve(expected_ids);
  runs.runs_.reserve(expected_ids);
  return runs;
}

size_t LagRuns::num_lags() const {
  if (ids_.empty()) return 0;
  return bounded_ ? std::min(max_lag_, ids_.size() - 1) : ids_.size() - 1;
}

void LagRuns::Push(int32_t id) {
  if (!bounded_) runs_.push_back(0);
  const size_t num_before = ids_.size();
  const size_t num_lags = bounded_ ? std::min(max_lag_, num_before) : num_before;
  for (size_t lag = 1; lag <= num_lags; ++lag) {
    runs_[lag] = ids_[num_before - lag] == id ? runs_[lag] + 1 : 0;
  }
  if (bounded_ && num_before == 2 * (max_lag_ + 1)) {
    ids_.erase(ids_.begin(), ids_.end() - static_cast<ptrdiff_t>(max_lag_));
  }
  ids_.push_back(id);
}

}  // namespace mao
