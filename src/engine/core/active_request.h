// What the engine's core keeps of a request beside the scheduler: sampling, text, timings.
#ifndef MAOOCR_ENGINE_CORE_ACTIVE_REQUEST_H_
#define MAOOCR_ENGINE_CORE_ACTIVE_REQUEST_H_

#include <memory>

#include "engine/core/output_channel.h"
#include "engine/sample/sampler.h"
#include "engine/sample/sampling_state.h"
#include "engine/sample/stop_checker.h"
#include "engine/sched/request_state.h"
#include "text/incremental_detokenizer.h"

namespace mao {

using Clock = std::chrono::steady_clock;

// Made by the submitter, then owned by the engine thread.
class ActiveRequest {
 public:
  ActiveRequest(SamplingState sampling, std::span<const TokenId> eos_ids,
                const Tokenizer& tokenizer, std::shared_ptr<const PreparedImage> image,
                std::shared_ptr<OutputChannel> channel, const RequestStats& stats);
  ActiveRequest(const ActiveRequest&) = delete;
  ActiveRequest& operator=(const ActiveRequest&) = delete;

  SamplingState& sampling() { return sampling_; }
  // Shared with the encoder, which may outlive the request.
  const std::shared_ptr<const PreparedImage>& image() const { return image_; }

  // The request has a row in a step that begins at `start`; num_computed_tokens of its first row
  // were found in the prefix cache.
  void BeginStep(Clock::time_point start, int64_t num_computed_tokens);
  // An image that the request waited for was given to the encoder at `ordered`, by it or another
  // request, and encoded from `begun` to `ended`.
  void AddEncode(Clock::time_point ordered, Clock::time_point begun, Clock::time_point ended);

  // Takes a sampled token, sends what text became certain, and tells whether the request ends.
  bool Accept(const SampledToken& token);

  // Ends the request with an error.
  void Fail(Status status);

 private:
  void MarkScheduled(Clock::time_point now);
  void Finish(StopReason reason, EngineOutput output);

  SamplingState sampling_;
  TokenStopChecker token_stops_;
  IncrementalDetokenizer detokenizer_;
  StopStringFilter text_stops_;
  std::shared_ptr<const PreparedImage> image_;
  std::shared_ptr<OutputChannel> channel_;
  RequestStats stats_;
  RequestTimes& times_ = stats_.times;
  bool has_row_ = false;
  bool finished_ = false;

  double encoder_ms_ = 0;  // waiting for the encoder, and its work
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CORE_ACTIVE_REQUEST_H_
