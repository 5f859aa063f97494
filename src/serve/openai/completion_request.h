// Requests of OpenAI's /v1/chat/completions and /v1/completions, with vLLM's extensions.
#ifndef MAOOCR_SERVE_OPENAI_COMPLETION_REQUEST_H_
#define MAOOCR_SERVE_OPENAI_COMPLETION_REQUEST_H_

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/api/generation.h"

namespace mao {

inline constexpr int kMaxChoices = 16;

struct CompletionRequest {
  bool is_chat = true;
  // One for each choice; they differ in prompt (completions) or seed.
  std::vector<GenerationRequest> choices;
  bool stream = false;
  bool include_usage = false;     // a last chunk with it
  bool continuous_usage = false;  // in every chunk
  bool wants_logprobs = false;
  bool echo = false;                 // completions: the prompt comes first
  std::vector<std::string> prompts;  // completions: as sent, for echo
};

// What a request that does not say otherwise gets; info may be null (the model is elsewhere).
SamplingParams DefaultCompletionSampling(const ModelInfo* info, bool has_image);

// The text of all messages in their order is the prompt, and the one image comes first, wherever it
// stood. Unlike OpenAI's, the default temperature is 0: two readings of a page should be the same.
// `body` is the parsed `text`. InvalidArgument names the field.
Result<CompletionRequest> ParseChatRequest(std::string_view text, const nlohmann::json& body,
                                           const ModelInfo* info);
Result<CompletionRequest> ParseCompletionRequest(std::string_view text, const nlohmann::json& body,
                                                 const ModelInfo* info);

}  // namespace mao

#endif  // MAOOCR_SERVE_OPENAI_COMPLETION_REQUEST_H_
