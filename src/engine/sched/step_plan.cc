#include "engine/sched/step_plan.h"

#include <algorithm>

namespace mao {
namespace {

// Appends tokens [begin, end) of the request, where drafts follow the tokens it has.
void AppendTokens(const RequestState& request, uint32_t begin, uint32_t end, StepPlan* plan) {
  const uint32_t num_tokens = request.num_tokens();
  const auto& tokens = request.token_ids;
  const auto& drafts = request.draft_token_ids;
  plan->token_ids.insert(plan->token_ids.end(), tokens.begin() + begin,
                         tokens.begin() + std::min(end, num_tokens));
  if (end > num_tokens) {
    plan->token_ids.insert(plan->token_ids.end(), drafts.begin(),
                           drafts.begin() + (end - num_tokens));
  }
}

void AppendImageReads(const RequestState& request, uint32_t begin, uint32_t end, StepPlan* plan) {
  for (size_t i = request.num_passed_images; i < request.num_reached_images; ++i) {
    const ImageSpan& span = request.image_spans[i];
    const uint32_t first = std::max(span.offset, begin);
    const uint32_t last = std::min(span.end(), end);
    if (first >= last) continue;
    plan->image_reads.push_back({.image = KeyOf(span),
                                 .first_row = first - span.offset,
                                 .num_rows = last - first,
                                 .chunk_offset = first - begin});
  }
}

// The part of a vector from `begin` to its end.
template <typename T>
PlanRow::Slice SliceFrom(size_t begin, const std::vector<T>& all) {
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(all.size() - begin)};
}

template <typename T>
std::span<const T> PartOf(const std::vector<T>& all, const PlanRow::Slice& slice) {
  return std::span(all).subspan(slice.begin, slice.count);
}

}  // namespace

std::span<const TokenId> StepPlan::Tokens(const PlanRow& row) const {
  return PartOf(token_ids, row.tokens).last(row.num_new_tokens);
}

std::span<const TokenId> StepPlan::History(const PlanRow& row) const {
  return PartOf(token_ids, row.tokens).first(row.tokens.count - row.num_new_tokens);
}

std::span<const BlockId> StepPlan::Blocks(const PlanRow& row) const {
  return PartOf(block_ids, row.blocks);
}

std::span<const ImageRead> StepPlan::ImageReads(const PlanRow& row) const {
  return PartOf(image_reads, row.image_reads);
}

uint32_t StepPlan::NumTokens() const {
  uint32_t num_tokens = 0;
  for (const PlanRow& row : rows) num_tokens += row.num_new_tokens;
  return num_tokens;
}

void StepPlan::Clear() {
  step = 0;
  finished.clear();
  preempted.clear();
  encoder_entries_to_free.clear();
  images_to_encode.clear();
  rows.clear();
  token_ids.clear();
  block_ids.clear();
  image_reads.clear();
}

void AppendRow(const RequestState& request, RowKind kind, uint32_t num_new_tokens,
               uint32_t num_known_blocks, StepPlan* plan) {
  const uint32_t begin = request.num_computed_tokens;
  const uint32_t end = begin + num_new_tokens;
  const size_t tokens_begin = plan->token_ids.size();
  const size_t blocks_begin = plan->block_ids.size();
  const size_t reads_begin = plan->image_reads.size();
  AppendTokens(request, kind == RowKind::kKnown ? begin : 0, end, plan);
  const auto& table = request.blocks.table;
  plan->block_ids.insert(plan->block_ids.end(), table.begin() + num_known_blocks, table.end());
  AppendImageReads(request, begin, end, plan);
  plan->rows.push_back(
      {.id = request.id,
       .kind = kind,
       .wants_logits = end >= request.num_tokens(),
       .num_prompt_tokens = request.num_prompt_tokens,
       .num_computed_tokens = begin,
       .num_new_tokens = num_new_tokens,
       .num_draft_tokens = end > request.num_tokens() ? end - request.num_tokens() : 0,
       .tokens = SliceFrom(tokens_begin, plan->token_ids),
       .blocks = SliceFrom(blocks_begin, plan->block_ids),
       .image_reads = SliceFrom(reads_begin, plan->image_reads)});
}

}  // namespace mao
