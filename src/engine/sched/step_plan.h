// What one step does: all that the runner is told. docs/engine_contract.md, "The plan".
#ifndef MAOOCR_ENGINE_SCHED_STEP_PLAN_H_
#define MAOOCR_ENGINE_SCHED_STEP_PLAN_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/cache/encoder_cache_manager.h"
#include "engine/cache/ids.h"
#include "engine/sched/request_state.h"

namespace mao {

// One request in one step: compute the entries of tokens [num_computed_tokens,
// num_computed_tokens + num_new_tokens), attending to everything before.
struct PlanRow {
  // A part of one of the plan's vectors.
  struct Slice {
    uint32_t begin = 0;
    uint32_t count = 0;
  };

  RequestId id{};
  RowKind kind = RowKind::kKnown;
  // The chunk reaches the last token: logits are wanted for it and for the drafts after it.
  bool wants_logits = false;
  uint32_t num_prompt_tokens = 0;
  uint32_t num_computed_tokens = 0;
  uint32_t num_new_tokens = 0;
  uint32_t num_draft_tokens = 0;  // the last of num_new_tokens
  Slice tokens;
  Slice blocks;
  Slice image_reads;
};

// Token `chunk_offset` + i of the chunk, i in [0, num_rows), has the embedding in row
// `first_row` + i of the image's encoder entry.
struct ImageRead {
  EncoderKey image;
  uint32_t first_row = 0;
  uint32_t num_rows = 0;
  uint32_t chunk_offset = 0;
};

// Image `image_index` of the request is to be encoded, beside this step and later ones;
// Scheduler::OnImageEncoded ends it. No row reads it before that.
struct EncodeJob {
  RequestId id{};
  uint32_t image_index = 0;
  EncoderKey image;
};

struct FinishedRequest {
  RequestId id{};
  FinishReason reason = FinishReason::kStopped;
  Status status;  // ok unless kFailed
};

// Plain data that owns its vectors and refers to nothing of the scheduler's. Reuse one object from
// step to step, so that the vectors keep their memory. The runner applies the fields in the order
// in which they stand here.
struct StepPlan {
  uint64_t step = 0;  // counts plans, from 1; 0: a step is in flight, nothing was planned
  std::vector<FinishedRequest> finished;  // forget these requests
  std::vector<RequestId> preempted;       // and the block tables of these
  std::vector<EncoderKey> encoder_entries_to_free;
  std::vector<EncodeJob> images_to_encode;
  std::vector<PlanRow> rows;

  std::vector<TokenId> token_ids;
  std::vector<BlockId> block_ids;
  std::vector<ImageRead> image_reads;

  // The tokens of the row's chunk.
  std::span<const TokenId> Tokens(const PlanRow& row) const;
  // The tokens before the chunk; given with full rows only.
  std::span<const TokenId> History(const PlanRow& row) const;
  // The whole table of a full row, or what a known row's table is extended by.
  std::span<const BlockId> Blocks(const PlanRow& row) const;
  std::span<const ImageRead> ImageReads(const PlanRow& row) const;

  uint32_t NumTokens() const;  // of all chunks
  void Clear();                // keeps the vectors' memory
};

// Appends the row for the next num_new_tokens tokens of a request whose table already covers them;
// its first num_known_blocks blocks are left out, the receiver having them.
void AppendRow(const RequestState& request, RowKind kind, uint32_t num_new_tokens,
               uint32_t num_known_blocks, StepPlan* plan);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_STEP_PLAN_H_
