// How far a chunk of a prompt may reach, given the images in it.
#ifndef MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_
#define MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_

#include <cstdint>

#include "engine/cache/encoder_cache_manager.h"
#include "engine/sched/request_state.h"
#include "engine/sched/step_plan.h"
#include "engine/sched/token_budget.h"

namespace mao {

// A chunk that can be computed now: tokens [begin, begin + num_tokens), none of an image that is not
// ready. Images [first_image, end_image) are those to reference: the ones that the chunk touches,
// and the ones beyond that it waits for.
struct ChunkReach {
  uint32_t num_tokens = 0;
  uint32_t first_image = 0;
  uint32_t end_image = 0;
  // An image did not fit what is left of the encoder budget.
  bool is_encoder_full = false;
};

// Cuts a chunk before the first image that is not ready. The images behind the cut are reached
// nevertheless, so that they are encoded meanwhile, up to the first that is neither in the cache nor
// fits what is left of the encoder budget and of the cache. An image may be crossed by several
// chunks, yet it is encoded whole. Changes nothing.
ChunkReach PlanImages(const RequestState& request, uint32_t begin, uint32_t num_tokens,
                      const EncodeBudget& encodes, const EncoderCacheManager& cache);

// Takes one reference for each image of the reach and orders those not in the cache to be encoded.
// If an image did not fit the encoder budget, closes that, so that no smaller image of somebody less
// urgent can take its room again and again. Right after PlanImages.
void CommitImages(const RequestState& request, const ChunkReach& reach, EncodeBudget* encodes,
                  EncoderCacheManager* cache, StepPlan* plan);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_ENCODER_PLANNER_H_
