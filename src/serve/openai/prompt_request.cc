#include "serve/openai/prompt_request.h"

#include <string>
#include <utility>
#include <vector>

#include "serve/api/json.h"
#include "serve/openai/completion_request.h"

namespace mao {
namespace {

using nlohmann::json;

bool IsUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("data:");
}

// As the body of /v1/chat/completions.
Result<json> ToChatBody(json fields) {
  std::string prompt;
  std::vector<std::string> images;
  JsonFields reader(fields);
  reader.Read("prompt", prompt).Read("images", images);
  MAO_RETURN_IF_ERROR(reader.status());
  if (prompt.empty()) return InvalidArgumentError("prompt: expected a text");
  json content = json::array();
  for (std::string& image : images) {
    if (!IsUrl(image)) image.insert(0, "data:application/octet-stream;base64,");
    content.push_back({{"type", "image_url"}, {"image_url", {{"url", std::move(image)}}}});
  }
  content.push_back({{"type", "text"}, {"text", std::move(prompt)}});
  for (const char* name : {"prompt", "images", "stream"}) fields.erase(name);
  fields["messages"] = json::array({json{{"role", "user"}, {"content", std::move(content)}}});
  return fields;
}

}  // namespace

Result<GenerationRequest> ParsePromptRequest(const Service& service, std::string_view text,
                                             json fields) {
  MAO_ASSIGN_OR_RETURN(const json body, ToChatBody(std::move(fields)));
  std::string model;
  std::string engine;
  JsonFields reader(body);
  reader.Read("model", model).Read("inference_engine", engine);
  MAO_RETURN_IF_ERROR(reader.status());
  MAO_ASSIGN_OR_RETURN(const ServedModel served, service.FindModel(model, engine));
  const Engine* const local = served.backend->engine();
  MAO_ASSIGN_OR_RETURN(
      CompletionRequest request,
      ParseChatRequest(text, body, local == nullptr ? nullptr : &local->model_info()));
  if (request.choices.size() != 1) return InvalidArgumentError("n: expected 1");
  return std::move(request.choices.front());
}

}  // namespace mao
