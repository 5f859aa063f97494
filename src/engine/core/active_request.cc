#include "engine/core/active_request.h"

#include <algorithm>
#include <utility>

namespace mao {
namespace {

double Milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

OutputLogprobs LogprobsOf(const SampledToken& token) {
  OutputLogprobs logprobs;
  logprobs.chosen = {token.id, *token.logprob};
  logprobs.top.assign(token.top_logprobs().begin(), token.top_logprobs().end());
  return logprobs;
}

}  // namespace

ActiveRequest::ActiveRequest(SamplingState sampling, std::span<const TokenId> eos_ids,
                             const Tokenizer& tokenizer, std::shared_ptr<const PreparedImage> image,
                             std::shared_ptr<OutputChannel> channel, const RequestStats& stats)
    : sampling_(std::move(sampling)),
      token_stops_(sampling_.params(), eos_ids),
      detokenizer_(tokenizer, sampling_.params().skip_special_tokens),
      text_stops_(sampling_.params().stop),
      image_(std::move(image)),
      channel_(std::move(channel)),
      stats_(stats) {
  times_.submitted = Clock::now();
}

void ActiveRequest::BeginStep(Clock::time_point start, int64_t num_computed_tokens) {
  if (has_row_) return;
  has_row_ = true;
  stats_.num_cached_tokens = num_computed_tokens;
  MarkScheduled(start);
}

void ActiveRequest::AddEncode(Clock::time_point ordered, Clock::time_point begun,
                              Clock::time_point ended) {
  if (times_.first_token != Clock::time_point{})
    return;  // once more after preemption: generate_ms has it
  // Without a row so far: all text before the image was found in the prefix cache.
  MarkScheduled(std::max(times_.submitted, ordered));
  const Clock::time_point from =
      std::clamp(std::max(times_.scheduled, times_.encode_end), ordered, ended);
  begun = std::max(begun, from);
  stats_.queue_ms += Milliseconds(from, begun);
  stats_.encode_ms += Milliseconds(begun, ended);
  encoder_ms_ += Milliseconds(from, ended);
  if (times_.encode_begin == Clock::time_point{}) times_.encode_begin = begun;
  times_.encode_end = ended;
}

void ActiveRequest::MarkScheduled(Clock::time_point now) {
  if (times_.scheduled != Clock::time_point{}) return;
  times_.scheduled = now;
  stats_.queue_ms = Milliseconds(times_.submitted, now);
}

bool ActiveRequest::Accept(const SampledToken& token) {
  const Clock::time_point now = Clock::now();
  if (++stats_.num_output_tokens == 1) {
    times_.first_token = now;
    stats_.prefill_ms = Milliseconds(times_.scheduled, now) - encoder_ms_;
  }
  EngineOutput output;
  StopReason reason = token_stops_.Push(token.id);
  // The id that ends a text is not part of it.
  if (reason != StopReason::kEndOfText && reason != StopReason::kStopToken) {
    output.token_ids.push_back(token.id);
    if (token.logprob.has_value()) output.logprobs.push_back(LogprobsOf(token));
    output.text = text_stops_.Feed(detokenizer_.Append(token.id));
  }
  const bool goes_on = reason == StopReason::kNone || reason == StopReason::kMaxTokens;
  if (goes_on && sampling_.text_is_over()) reason = StopReason::kEndOfText;
  if (reason != StopReason::kNone && !text_stops_.stopped().has_value()) {
    output.text += text_stops_.Feed(detokenizer_.Finish());
    output.text += text_stops_.Finish();
  }
  if (text_stops_.stopped().has_value()) reason = StopReason::kStopString;
  if (reason == StopReason::kNone) {
    channel_->Push(std::move(output));
    return false;
  }
  Finish(reason, std::move(output));
  return true;
}

void ActiveRequest::Fail(Status status) {
  EngineOutput output;
  output.status = std::move(status);
  Finish(StopReason::kNone, std::move(output));
}

void ActiveRequest::Finish(StopReason reason, EngineOutput output) {
  if (finished_) return;
  finished_ = true;
  times_.finished = Clock::now();
  if (times_.first_token != Clock::time_point{}) {
    stats_.generate_ms = Milliseconds(times_.first_token, times_.finished);
  }
  channel_->SetStats(stats_);
  output.finished = true;
  output.stop_reason = reason;
  channel_->Push(std::move(output));
}

}  // namespace mao
