// A prompt with its image and the parameters of /v1/chat/completions beside it: what interfaces read
// that have no messages.
#ifndef MAOOCR_SERVE_OPENAI_PROMPT_REQUEST_H_
#define MAOOCR_SERVE_OPENAI_PROMPT_REQUEST_H_

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/api/service.h"

namespace mao {

// `fields` has `prompt`, `images` (base64, data URIs or addresses; models read one), `model`,
// `inference_engine`, and any parameter of a chat; `text` is the JSON that it was parsed from. Leaves
// the context to the caller. Errors: InvalidArgument names the field; those of Service::FindModel.
Result<GenerationRequest> ParsePromptRequest(const Service& service, std::string_view text,
                                             nlohmann::json fields);

}  // namespace mao

#endif  // MAOOCR_SERVE_OPENAI_PROMPT_REQUEST_H_
