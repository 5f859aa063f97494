#include "serve/backend/chat_answer.h"

#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

// More than any model writes, with the JSON around each token.
constexpr size_t kMaxAnswerBytes = size_t{256} << 20;

// The engine's limits of 512 and 1,024 ids, in bytes: a token has four on average, the tags of empty
// table cells six.
constexpr LoopDetectorOptions kByteLoops = {
    .max_period = 2048, .min_repeated_ids = 6144, .min_repeats = 4};

}  // namespace

ChatAnswer::ChatAnswer(const GenerationRequest& request, const OnGenerationOutput& on_output)
    : request_(request), on_output_(on_output), stream_(request.sampling.logprobs >= 0) {
  if (request.sampling.detect_loops) loop_detector_.emplace(kByteLoops);
}

bool ChatAnswer::Feed(std::string_view bytes) {
  num_bytes_ += bytes.size();
  if (num_bytes_ > kMaxAnswerBytes) {
    status_ = UnavailableError(
        fmt::format("the server's answer is larger than the limit of {} bytes", kMaxAnswerBytes));
    return false;
  }
  const Status parsed = parser_.Feed(bytes, [this](const SseEvent& event) { TakeEvent(event); });
  if (status_.ok() && !parsed.ok()) status_ = UnavailableError(parsed.message());
  return status_.ok() && !is_looping_;
}

void ChatAnswer::TakeEvent(const SseEvent& event) {
  if (!status_.ok() || is_looping_) return;
  GenerationOutput output;
  status_ = stream_.Take(event.data, output);
  if (!status_.ok() || (output.text.empty() && output.token_ids.empty())) return;
  last_output_ = Clock::now();
  if (!first_output_.has_value()) first_output_ = last_output_;
  generation_.text += output.text;
  generation_.token_ids.insert(generation_.token_ids.end(), output.token_ids.begin(),
                               output.token_ids.end());
  is_looping_ = GoesInCircles(output.text);
  on_output_(output);
}

bool ChatAnswer::GoesInCircles(std::string_view text) {
  if (!loop_detector_.has_value()) return false;
  bool is_loop = false;
  for (const char byte : text) {
    is_loop = loop_detector_->Push(static_cast<unsigned char>(byte)).has_value();
  }
  return is_loop;
}

Generation ChatAnswer::Take() {
  using Ms = std::chrono::duration<double, std::milli>;
  Generation generation = std::move(generation_);
  generation.stop_reason = is_looping_ ? StopReason::kRepetition : stream_.stop_reason();
  if (!request_.image.empty()) generation.image_mode = request_.image_options.mode;
  RequestStats& stats = generation.stats;
  stats.num_prompt_tokens = stream_.num_prompt_tokens();
  stats.num_cached_tokens = stream_.num_cached_tokens();
  stats.num_output_tokens = stream_.num_output_tokens();
  stats.prefill_ms = Ms(first_output_.value_or(last_output_) - start_).count();
  stats.generate_ms = Ms(last_output_ - first_output_.value_or(last_output_)).count();
  return generation;
}

}  // namespace mao
