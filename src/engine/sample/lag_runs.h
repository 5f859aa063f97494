// For every lag d: how many of the latest ids in a row equal the id d places before them. One pass
// over the lags per id keeps this up to date; both the n-gram ban (a repeated n-gram is a run of n
// at some lag) and the loop detector (a period is a long run at its lag) read off it.
#ifndef MAOOCR_ENGINE_SAMPLE_LAG_RUNS_H_
#define MAOOCR_ENGINE_SAMPLE_LAG_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mao {

class LagRuns {
 public:
  // Lags 1..max_lag are watched; memory is taken here, none in Push.
  static LagRuns Bounded(size_t max_lag);
  // Every lag is watched. Memory grows with the ids; `expected_ids` is reserved here.
  static LagRuns Unbounded(size_t expected_ids);

  // O(num_lags()).
  void Push(int32_t id);

  // Lags with a value: 1..num_lags().
  size_t num_lags() const;
  // Length of the run at this lag; 1 <= lag <= num_lags().
  uint32_t run(size_t lag) const { return runs_[lag]; }
  // The id `back` places before the latest (0 = the latest); back <= num_lags().
  int32_t id_back(size_t back) const { return ids_[ids_.size() - 1 - back]; }
  bool empty() const { return ids_.empty(); }

 private:
  LagRuns(size_t max_lag, bool bounded) : max_lag_(max_lag), bounded_(bounded) {}

  size_t max_lag_;
  bool bounded_;
  std::vector<int32_t> ids_;    // the latest ids, oldest first; bounded: at most 2 (max_lag + 1)
  std::vector<uint32_t> runs_;  // [lag]; entry 0 is not used
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_LAG_RUNS_H_
