// What one step may compute.
#ifndef MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_
#define MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_

#include <algorithm>
#include <cstdint>

#include "engine/sched/scheduler_config.h"

namespace mao {

// An amount that the requests of a step share, first come, first served. No clamping below zero:
// who spends has asked before.
class Budget {
 public:
  explicit Budget(uint64_t amount) : remaining_(amount) {}

  uint64_t remaining() const { return remaining_; }
  bool IsSpent() const { return remaining_ == 0; }
  uint32_t Clip(uint32_t wanted) const {
    return static_cast<uint32_t>(std::min<uint64_t>(wanted, remaining_));
  }
  void Spend(uint64_t amount) { remaining_ -= amount; }

 private:
  uint64_t remaining_;
};

// What an image of so many rows counts in the encoder budget. A larger one than a batch goes alone,
// and is a batch.
inline uint32_t EncodeCost(uint32_t num_rows, uint32_t batch_rows) {
  return std::min(num_rows, batch_rows);
}

// Image rows for the encoder, shared likewise.
class EncodeBudget {
 public:
  EncodeBudget(uint32_t batch_rows, uint64_t amount) : batch_rows_(batch_rows), rows_(amount) {}

  uint64_t remaining() const { return rows_.remaining(); }
  uint32_t Cost(uint32_t num_rows) const { return EncodeCost(num_rows, batch_rows_); }
  void Spend(uint64_t cost) { rows_.Spend(cost); }
  // Leaves nothing to those who come later.
  void Close() { rows_.Spend(rows_.remaining()); }

 private:
  uint32_t batch_rows_;
  Budget rows_;
};

// What a step may give out: tokens to compute, and images to encode beside it and later ones.
struct StepBudgets {
  StepBudgets(const SchedulerConfig& config, uint64_t encode_cost_in_flight)
      : tokens(config.max_num_batched_tokens),
        encodes(config.encode_batch_rows,
                uint64_t{config.max_encode_batches_in_flight} * config.encode_batch_rows -
                    encode_cost_in_flight) {}

  Budget tokens;
  EncodeBudget encodes;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_
