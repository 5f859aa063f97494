// What the scheduler knows about a request.
#ifndef MAOOCR_ENGINE_SCHED_REQUEST_STATE_H_
#define MAOOCR_ENGINE_SCHED_REQUEST_STATE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/cache/encoder_cache_manager.h"
#include "engine/cache/ids.h"
#include "engine/cache/kv_cache_manager.h"
#include "engine/cache/request_content.h"

namespace mao {

// Time is always given by the caller; the scheduler never looks at a clock.
using TimePoint = std::chrono::steady_clock::time_point;
inline constexpr TimePoint kNoDeadline = TimePoint::max();

// A request as submitted.
struct RequestSpec {
  RequestId id{};
  int32_t priority = 0;  // smaller is served first; equal ones in order of arrival
  TimePoint deadline = kNoDeadline;
  std::vector<TokenId> prompt_token_ids;  // with one placeholder for each image row
  std::vector<ImageSpan> image_spans;     // of the prompt, by offset, not overlapping
  uint32_t max_total_tokens = 0;          // prompt and output
  std::string adapter_id;                 // empty: none. One id always means the same weights
  std::string cache_salt;                 // requests with different salts share no cached block
};

enum class RequestPhase : uint8_t {
  kWaiting,   // holds nothing
  kRunning,   // may hold blocks and encoder entries, gets rows
  kRetiring,  // finished while a step that uses its blocks is in flight
};

enum class RowKind : uint8_t {
  kNew,      // first time: all tokens and the whole block table are given
  kResumed,  // again after preemption: given in full as well, replacing what was known
  kKnown,    // only what is added
};

enum class FinishReason : uint8_t {
  kStopped,    // the caller saw its end
  kMaxTokens,  // max_total_tokens is reached
  kFailed,     // aborted, too late or out of resources: see the status
};

// Plain data, changed by Scheduler alone. The rules that tie the fields together are in
// docs/engine_contract.md, "Counters".
struct RequestState {
  RequestId id{};
  uint64_t arrival = 0;  // place in the order of Add
  int32_t priority = 0;
  TimePoint deadline = kNoDeadline;

  std::vector<TokenId> token_ids;  // prompt, then output
  uint32_t num_prompt_tokens = 0;
  uint32_t max_total_tokens = 0;
  std::vector<TokenId> draft_token_ids;  // guesses at what follows token_ids

  // Tokens whose entries are written once every step in flight has completed ("scheduled"), and
  // those whose entries are written and right ("verified").
  uint32_t num_computed_tokens = 0;
  uint32_t num_verified_tokens = 0;
  uint32_t num_steps_in_flight = 0;

  // Spans [num_passed_images, num_reached_images) hold one reference each to their encoder entry,
  // which may still be on its way.
  std::vector<ImageSpan> image_spans;
  uint32_t num_passed_images = 0;
  uint32_t num_reached_images = 0;

  RequestPhase phase = RequestPhase::kWaiting;
  RowKind next_row = RowKind::kNew;  // what the runner has to be told with the next row
  RequestBlocks blocks;

  FinishReason finish_reason = FinishReason::kStopped;  // from kRetiring on
  Status finish_status;

  uint32_t num_tokens() const { return static_cast<uint32_t>(token_ids.size()); }
  RequestContent content() const { return {token_ids, image_spans}; }
  // The first span of this image that holds a reference; num_reached_images when there is none.
  uint32_t FindHeldImage(const EncoderKey& image) const {
    uint32_t i = num_passed_images;
    while (i < num_reached_images && KeyOf(image_spans[i]) != image) ++i;
    return i;
  }
  bool HoldsImage(const EncoderKey& image) const {
    return FindHeldImage(image) < num_reached_images;
  }
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_REQUEST_STATE_H_
