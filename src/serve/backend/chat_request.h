// A request of ours as the body of OpenAI's POST /v1/chat/completions.
#ifndef MAOOCR_SERVE_BACKEND_CHAT_REQUEST_H_
#define MAOOCR_SERVE_BACKEND_CHAT_REQUEST_H_

#include <string>
#include <string_view>

#include "serve/api/generation.h"

namespace mao {

// "image/png" and so on, by the first bytes; "application/octet-stream" for what is none of our
// formats.
std::string_view ImageMediaType(std::string_view file);

// JSON with one streamed message: the image as its file is (data URI), then the text of the prompt.
// The line feed between image and text is left to the server's chat template, which knows it too.
// `model` empty: the server's own. With `vllm_fields` also what vLLM understands beyond OpenAI's
// fields: the n-gram ban, special tokens, the size mode. SamplingParams' own max_tokens is not sent:
// it stands for as many as fit, and servers refuse numbers that do not.
std::string MakeChatBody(const GenerationRequest& request, std::string_view model,
                         bool vllm_fields);

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_CHAT_REQUEST_H_
