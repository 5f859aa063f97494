#include "engine/sched/scheduler_config.h"

#include <fmt/core.h>

namespace mao {
namespace {

// Positions are uint32_t, and the sum of two of them must not overflow.
constexpr uint32_t kMaxModelLen = 1u << 30;

}  // namespace

Status CheckConfig(const SchedulerConfig& config) {
  if (config.max_num_seqs < 1) return InvalidArgumentError("max_num_seqs is 0; must be at least 1");
  if (config.max_num_batched_tokens < config.max_num_seqs) {
    // Else a step could not give one token to each running request.
    return InvalidArgumentError(
        fmt::format("max_num_batched_tokens is {}; must be at least max_num_seqs ({})",
                    config.max_num_batched_tokens, config.max_num_seqs));
  }
  if (config.max_model_len < 2 || config.max_model_len > kMaxModelLen) {
    return InvalidArgumentError(
        fmt::format("max_model_len is {}; must be in [2, {}]", config.max_model_len, kMaxModelLen));
  }
  if (config.encode_batch_rows < 1) {
    return InvalidArgumentError("encode_batch_rows is 0; must be at least 1");
  }
  if (config.max_encode_batches_in_flight < 1) {
    return InvalidArgumentError("max_encode_batches_in_flight is 0; must be at least 1");
  }
  return OkStatus();
}

}  // namespace mao
