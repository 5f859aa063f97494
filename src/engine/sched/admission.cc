#include "engine/sched/admission.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

Status CheckLengths(const SchedulerConfig& config, const RequestSpec& spec) {
  const size_t num_prompt_tokens = spec.prompt_token_ids.size();
  if (num_prompt_tokens == 0) return InvalidArgumentError("the prompt is empty");
  if (num_prompt_tokens >= config.max_model_len) {
    return OutOfRangeError(
        fmt::format("a prompt of {} tokens leaves no room for output within "
                    "max_model_len ({})",
                    num_prompt_tokens, config.max_model_len));
  }
  if (spec.max_total_tokens > config.max_model_len) {
    return OutOfRangeError(fmt::format("max_total_tokens {} exceeds max_model_len ({})",
                                       spec.max_total_tokens, config.max_model_len));
  }
  if (spec.max_total_tokens <= num_prompt_tokens) {
    return InvalidArgumentError(
        fmt::format("max_total_tokens {} leaves no room for output after "
                    "a prompt of {} tokens",
                    spec.max_total_tokens, num_prompt_tokens));
  }
  const uint64_t capacity = uint64_t{config.num_blocks} * config.block_size;
  if (num_prompt_tokens > capacity) {
    return OutOfRangeError(
        fmt::format("a prompt of {} tokens exceeds the key/value cache ({} "
                    "blocks of {} tokens)",
                    num_prompt_tokens, config.num_blocks, config.block_size));
  }
  return OkStatus();
}

Status CheckImages(const SchedulerConfig& config, const RequestSpec& spec) {
  uint64_t previous_end = 0;
  for (size_t i = 0; i < spec.image_spans.size(); ++i) {
    const ImageSpan& span = spec.image_spans[i];
    const uint64_t end = uint64_t{span.offset} + span.length;
    if (span.length == 0 || span.offset < previous_end || end > spec.prompt_token_ids.size()) {
      return InvalidArgumentError(
          fmt::format("image {}: tokens [{}, {}) are empty, overlap the image before or lie "
                      "outside the prompt of {} tokens",
                      i, span.offset, end, spec.prompt_token_ids.size()));
    }
    if (span.fingerprint.IsEmpty()) {
      return InvalidArgumentError(fmt::format("image {}: the fingerprint is empty", i));
    }
    if (span.length > config.encoder_cache_rows) {
      return OutOfRangeError(fmt::format("image {}: {} rows exceed encoder_cache_rows ({})", i,
                                         span.length, config.encoder_cache_rows));
    }
    previous_end = end;
  }
  return OkStatus();
}

}  // namespace

Status CheckRequest(const SchedulerConfig& config, const RequestSpec& spec) {
  MAO_RETURN_IF_ERROR(CheckLengths(config, spec));
  return CheckImages(config, spec);
}

uint32_t NumPromisedBlocks(const KvCacheManager& kv_cache, const RequestState& running) {
  const uint64_t num_tokens = std::min<uint64_t>(
      uint64_t{running.num_tokens()} + kv_cache.block_size(), running.max_total_tokens);
  const uint32_t num_needed = kv_cache.NumBlocksFor(num_tokens);
  const auto num_held = static_cast<uint32_t>(running.blocks.table.size());
  return num_needed > num_held ? num_needed - num_held : 0;
}

bool MayAdmit(const KvCacheManager& kv_cache, const RequestState& candidate,
              std::span<const BlockId> prefix, uint64_t num_promised_blocks) {
  const uint64_t num_needed = kv_cache.NumBlocksFor(candidate.num_tokens()) - prefix.size();
  return num_needed + num_promised_blocks <= kv_cache.NumFreeBlocksBeside(prefix);
}

}  // namespace mao
