// Requests in the shape of Ollama's API (/api/generate, /api/chat).
#ifndef MAOOCR_SERVE_REST_OLLAMA_REQUEST_H_
#define MAOOCR_SERVE_REST_OLLAMA_REQUEST_H_

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/api/generation.h"
#include "serve/api/service.h"

namespace mao {

struct OllamaRequest {
  bool is_chat = false;
  bool stream = true;
  bool is_load = false;  // neither prompt nor image: the client only wants the model in memory
  GenerationRequest generation;
};

// The served model that a client means by this name: also with Ollama's ":latest" behind it. Empty:
// the default model. Errors of Service::FindModel.
Result<ServedModel> FindOllamaModel(const Service& service, const std::string& name,
                                    const std::string& engine);

// `images` are base64, as in Ollama, or data URIs; one image in all. The texts of a chat are joined
// as they come, since the model has no roles. An image without a prompt is read as plain text. Of
// `options` counts what the engine has: temperature, top_k, top_p, min_p, seed, stop, num_predict,
// repeat_penalty, presence_penalty, frequency_penalty, and `size` (our size modes); keep_alive and
// the rest are left out. Unlike Ollama's, the default temperature is 0. `format` is "json" or a JSON
// Schema. `text` is what `body` was parsed from: the order of a schema's properties is that of the
// answer. InvalidArgument names the field; Unimplemented: tools, think, suffix. `info` may be null.
Result<OllamaRequest> ParseOllamaRequest(const nlohmann::json& body, std::string_view text,
                                         bool is_chat, const ModelInfo* info);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_OLLAMA_REQUEST_H_
