// What one step may compute.
#ifndef MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_
#define MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_

#include <algorithm>
#include <cstddef>
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

// What a step may give out: tokens to compute, and images to encode beside it and later ones.
struct StepBudgets {
  StepBudgets(const SchedulerConfig& config, size_t num_encodes_in_flight)
      : tokens(config.max_num_batched_tokens),
        encodes(config.max_encodes_in_flight - num_encodes_in_flight) {}

  Budget tokens;
  Budget encodes;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_TOKEN_BUDGET_H_
