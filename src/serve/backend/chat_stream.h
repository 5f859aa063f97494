// The events of a streamed chat completion, as OpenAI, vLLM and others send them.
#ifndef MAOOCR_SERVE_BACKEND_CHAT_STREAM_H_
#define MAOOCR_SERVE_BACKEND_CHAT_STREAM_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/api/generation.h"

namespace mao {

class ChatStream {
 public:
  // With `wants_logprobs` the server must name tokens by their ids (vLLM's
  // return_tokens_as_token_ids).
  explicit ChatStream(bool wants_logprobs) : wants_logprobs_(wants_logprobs) {}

  // Appends what an event brings to `output`. Unavailable: the server says that it failed, or the
  // event is no chunk of a chat completion; Unimplemented: log-probabilities without token ids.
  Status Take(std::string_view data, GenerationOutput& output);

  // Why the text ended has come: it is whole.
  bool is_finished() const { return is_finished_; }
  // "[DONE]" has come.
  bool is_done() const { return is_done_; }
  StopReason stop_reason() const { return stop_reason_; }
  // As the server counts them so far; all zero if it does not.
  int64_t num_prompt_tokens() const { return num_prompt_tokens_; }
  int64_t num_cached_tokens() const { return num_cached_tokens_; }
  int64_t num_output_tokens() const { return num_output_tokens_; }

 private:
  const bool wants_logprobs_;
  bool is_finished_ = false;
  bool is_done_ = false;
  StopReason stop_reason_ = StopReason::kNone;
  int64_t num_prompt_tokens_ = 0;
  int64_t num_cached_tokens_ = 0;
  int64_t num_output_tokens_ = 0;
};

// What a server says about its error, from an answer or event with an error object; at most 500
// bytes, without control characters. Empty if it says nothing.
std::string RemoteErrorMessage(std::string_view body);

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_CHAT_STREAM_H_
