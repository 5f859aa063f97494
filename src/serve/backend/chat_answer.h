// From the bytes of a streamed chat completion to a Generation.
#ifndef MAOOCR_SERVE_BACKEND_CHAT_ANSWER_H_
#define MAOOCR_SERVE_BACKEND_CHAT_ANSWER_H_

#include <chrono>
#include <optional>
#include <string_view>

#include "serve/api/generation.h"
#include "serve/backend/chat_stream.h"
#include "serve/backend/sse_parser.h"

namespace mao {

class ChatAnswer {
 public:
  using Clock = std::chrono::steady_clock;

  // Both must outlive it.
  ChatAnswer(const GenerationRequest& request, const OnGenerationOutput& on_output);

  // Passes on what the bytes bring. False: nothing more is wanted; either status() is an error, or
  // the text went round in circles.
  bool Feed(std::string_view bytes);

  // Whether anything was passed on.
  bool has_begun() const { return first_output_.has_value(); }
  // When something was passed on last; the beginning when nothing was.
  Clock::time_point last_output() const { return last_output_; }
  // Whether the answer is whole.
  bool is_complete() const { return stream_.is_finished() || is_looping_; }
  const Status& status() const { return status_; }
  // When complete.
  Generation Take();

 private:
  void TakeEvent(const SseEvent& event);
  bool GoesInCircles(std::string_view text);

  const GenerationRequest& request_;
  const OnGenerationOutput& on_output_;
  const Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> first_output_;
  Clock::time_point last_output_ = start_;
  SseParser parser_;
  ChatStream stream_;
  std::optional<LoopDetector> loop_detector_;
  bool is_looping_ = false;
  size_t num_bytes_ = 0;
  Status status_;
  Generation generation_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_CHAT_ANSWER_H_
