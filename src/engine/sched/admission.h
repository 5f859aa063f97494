// Whether a waiting request may begin to run.
#ifndef MAOOCR_ENGINE_SCHED_ADMISSION_H_
#define MAOOCR_ENGINE_SCHED_ADMISSION_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "engine/cache/kv_cache_manager.h"
#include "engine/sched/request_state.h"
#include "engine/sched/scheduler_config.h"

namespace mao {

// Refuses what is malformed (kInvalidArgument) or can never fit (kOutOfRange), naming the limit.
Status CheckRequest(const SchedulerConfig& config, const RequestSpec& spec);

// The blocks that a running request is going to need soon: for the tokens it has and one block
// more, as far as it may grow.
uint32_t NumPromisedBlocks(const KvCacheManager& kv_cache, const RequestState& running);

// Whether all of the candidate's tokens fit beside what was promised to the running ones. Chunks
// allocate only as they go, so looking at the first chunk alone would admit requests that throw
// each other out later. With nothing promised this asks only for what the candidate needs.
bool MayAdmit(const KvCacheManager& kv_cache, const RequestState& candidate,
              std::span<const BlockId> prefix, uint64_t num_promised_blocks);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_ADMISSION_H_
