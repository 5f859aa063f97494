// What docs/engine_contract.md promises to hold after every call, as expectations.
#ifndef MAOOCR_ENGINE_SCHED_TESTING_INVARIANTS_H_
#define MAOOCR_ENGINE_SCHED_TESTING_INVARIANTS_H_

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/fake_runner.h"

namespace mao::testing {

// Remembers what each cached block held when it was indexed.
class Invariants {
 public:
  // `specs`: every request that may be alive.
  void Check(const Scheduler& scheduler, const FakeRunner& runner,
             const std::map<RequestId, RequestSpec>& specs);
  // All is given back.
  static void CheckIdle(const Scheduler& scheduler);

 private:
  void CheckIndexedContents(const Scheduler& scheduler, const FakeRunner& runner);

  std::map<std::array<uint8_t, 32>, std::vector<uint64_t>> indexed_;
};

// A plan with rows or one that moved something; a plan without either would be a spin.
void CheckPlan(const Scheduler& scheduler, const StepPlan& plan);

}  // namespace mao::testing

#endif  // MAOOCR_ENGINE_SCHED_TESTING_INVARIANTS_H_
