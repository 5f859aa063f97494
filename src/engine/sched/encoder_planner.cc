#include "engine/sched/encoder_planner.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mao {
namespace {

// Whether one of spans [first, i) is of the same image. Chunks hold few images; looking at the
// nearest ones is enough, since missing a repetition only makes the answer more careful.
bool IsRepeated(const RequestState& request, uint32_t first, uint32_t i) {
  constexpr uint32_t kMaxLooks = 64;
  const uint32_t begin = i - first > kMaxLooks ? i - kMaxLooks : first;
  for (uint32_t k = begin; k < i; ++k) {
    if (KeyOf(request.image_spans[k]) == KeyOf(request.image_spans[i])) return true;
  }
  return false;
}

}  // namespace

ChunkReach PlanImages(const RequestState& request, uint32_t begin, uint32_t num_tokens,
                      const EncodeBudget& encodes, const EncoderCacheManager& cache) {
  // A request without references may begin behind or within an image.
  auto i = static_cast<uint32_t>(FirstSpanEndingAfter(request.image_spans, begin));
  const uint32_t first = std::max(request.num_reached_images, i);
  const uint32_t end = begin + num_tokens;
  uint64_t encode_cost = 0;
  uint64_t num_rows_to_hold = 0;  // that are not held now
  ChunkReach reach = {.num_tokens = num_tokens, .first_image = first, .end_image = first};
  for (; i < request.image_spans.size() && request.image_spans[i].offset < end; ++i) {
    const ImageSpan& span = request.image_spans[i];
    const EncoderKey key = KeyOf(span);
    const uint32_t num_before = std::max(span.offset, begin) - begin;
    if (i >= first && !IsRepeated(request, first, i)) {
      if (!cache.Contains(key)) encode_cost += encodes.Cost(span.length);
      if (cache.num_references(key) == 0) num_rows_to_hold += span.length;
      reach.is_encoder_full = encode_cost > encodes.remaining();
      if (reach.is_encoder_full || num_rows_to_hold > cache.num_reclaimable_rows()) {
        reach.num_tokens = std::min(reach.num_tokens, num_before);
        break;
      }
    }
    if (!cache.IsReady(key)) reach.num_tokens = std::min(reach.num_tokens, num_before);
    reach.end_image = std::max(first, i + 1);
  }
  return reach;
}

void CommitImages(const RequestState& request, const ChunkReach& reach, EncodeBudget* encodes,
                  EncoderCacheManager* cache, StepPlan* plan) {
  // Those in the cache first, so that making room for the others cannot evict them.
  std::vector<EncodeJob>& jobs = plan->images_to_encode;
  const size_t num_jobs_before = jobs.size();
  for (uint32_t i = reach.first_image; i < reach.end_image; ++i) {
    const EncoderKey key = KeyOf(request.image_spans[i]);
    if (cache->Contains(key)) {
      cache->Acquire(key);
    } else {
      jobs.push_back({.id = request.id, .image_index = i, .image = key});
    }
  }
  size_t num_jobs = num_jobs_before;
  for (size_t k = num_jobs_before; k < jobs.size(); ++k) {
    const EncodeJob job = jobs[k];
    if (cache->Contains(job.image)) {  // the same image twice in this chunk
      cache->Acquire(job.image);
      continue;
    }
    cache->Insert(job.image, &plan->encoder_entries_to_free);
    encodes->Spend(encodes->Cost(job.image.num_rows));
    jobs[num_jobs++] = job;
  }
  jobs.resize(num_jobs);
  if (reach.is_encoder_full) encodes->Close();
}

}  // namespace mao
