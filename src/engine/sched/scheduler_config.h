// The limits that a Scheduler works under.
#ifndef MAOOCR_ENGINE_SCHED_SCHEDULER_CONFIG_H_
#define MAOOCR_ENGINE_SCHED_SCHEDULER_CONFIG_H_

#include <cstdint>

#include "base/status.h"

namespace mao {

struct SchedulerConfig {
  uint32_t max_num_seqs = 64;              // requests running at once
  uint32_t max_num_batched_tokens = 2048;  // tokens computed in one step, drafts included
  uint32_t max_model_len = 8192;           // tokens of one request, prompt and output
  uint32_t block_size = 16;                // tokens in a key/value block
  uint32_t num_blocks = 0;                 // key/value blocks in all
  bool enable_prefix_caching = true;
  uint64_t encoder_cache_rows = 0;  // image embeddings kept; 0: no images
  // Image rows that the encoder takes at once: four of DeepSeek-OCR's tiny pages, two small ones or
  // one base page. By then its products no longer wait for weights, and with more the first image
  // would only wait for the last. A larger image goes alone.
  uint32_t encode_batch_rows = 300;
  // Batches being encoded or next in turn. Two let the encoder begin the next one without waiting
  // for a step to end; more would queue up where nobody more urgent can overtake them.
  uint32_t max_encode_batches_in_flight = 2;
};

// kInvalidArgument names the first wrong field. The fields of the key/value cache are checked by
// KvCacheManager::Create.
Status CheckConfig(const SchedulerConfig& config);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_SCHEDULER_CONFIG_H_
