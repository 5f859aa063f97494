// Who gives way when the blocks run out.
#ifndef MAOOCR_ENGINE_SCHED_PREEMPTION_POLICY_H_
#define MAOOCR_ENGINE_SCHED_PREEMPTION_POLICY_H_

#include "engine/sched/request_queue.h"

namespace mao {

// The newest of the least urgent: it has the least to compute again, and the request that everyone
// else yields to always moves forward, which bounds every wait. As rows are planned in the same
// order, the victim has no row in the step being planned. `running` is not empty.
inline RequestState* ChooseVictim(const RequestQueue& running) { return running.back(); }

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_PREEMPTION_POLICY_H_
