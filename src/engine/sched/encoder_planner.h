// How far a chunk of a prompt may reach, given the images in it.
#ifndef MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_
#define MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_

#include <cstdint>

#include "engine/cache/encoder_cache_manager.h"
#include "engine/sched/request_state.h"
#include "engine/sched/step_plan.h"
#include "engine/sched/token_budget.h"

namespace mao {

// A chunk that can be computed: tokens [begin, begin + num_tokens), with every image it touches
// either referenced before or in [first_image, end_image).
struct ChunkReach {
  uint32_t num_tokens = 0;
  uint32_t first_image = 0;
  uint32_t end_image = 0;
};

// Cuts a chunk before the first image that is neither in the cache nor fits what is left of the
// step's encoder budget and of the cache. An image may be crossed by several chunks, yet it is
// encoded whole when the first of them comes. 0 tokens: nothing can be done in this step. Changes
// nothing.
ChunkReach PlanImages(const RequestState& request, uint32_t begin, uint32_t num_tokens,
                      const Budget& encoder_rows, const EncoderCacheManager& cache);

// Takes one reference for each image of the reach and orders those not in the cache to be encoded.
// Right after PlanImages.
void CommitImages(const RequestState& request, const ChunkReach& reach, Budget* encoder_rows,
                  EncoderCacheManager* cache, StepPlan* plan);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_
