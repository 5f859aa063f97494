// Counts what calls used.
#ifndef MAOOCR_SERVE_JOBS_USAGE_LISTENER_H_
#define MAOOCR_SERVE_JOBS_USAGE_LISTENER_H_

#include "serve/api/call.h"
#include "serve/store/usage_store.h"

namespace mao {

class UsageListener final : public CallListener {
 public:
  // The store outlives it.
  explicit UsageListener(UsageStore& usage) : usage_(usage) {}

  void OnCallDone(const CallRecord& record) override {
    UsageCounts counts;
    counts.requests = 1;
    counts.compute_ms = static_cast<int64_t>(record.timings.total_ms - record.timings.wait_ms);
    if (record.result.ok()) {
      const RequestStats& stats = record.result->stats;
      counts.pages = record.result->image_width > 0 ? 1 : 0;
      counts.prompt_tokens = stats.num_prompt_tokens;
      counts.image_tokens = stats.num_image_tokens;
      counts.cached_tokens = stats.num_cached_tokens;
      counts.output_tokens = stats.num_output_tokens;
    } else {
      counts.errors = 1;
    }
    usage_.Add({record.request.context.key_id, record.model, record.request.context.operation},
               counts);
  }

 private:
  UsageStore& usage_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_USAGE_LISTENER_H_
