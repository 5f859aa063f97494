#include "serve/rest/ollama_request.h"

#include <utility>

#include <fmt/core.h>

#include "ocr/tasks.h"
#include "serve/api/json.h"
#include "serve/api/ocr_image.h"
#include "serve/api/ocr_request.h"

namespace mao {
namespace {

using nlohmann::json;

constexpr std::string_view kLatest = ":latest";

struct Content {
  std::string text;
  ImageSource image;

  void AddText(const std::string& more) {
    if (!text.empty() && !more.empty()) text += '\n';
    text += more;
  }
};

Status AddImages(const json& object, const std::string& path, Content& content) {
  std::vector<std::string> images;
  JsonFields fields(object, path);
  MAO_RETURN_IF_ERROR(fields.Read("images", images).status());
  for (const std::string& image : images) {
    if (!content.image.empty()) {
      return InvalidArgumentError("images: the model reads one image in a request, found two");
    }
    MAO_ASSIGN_OR_RETURN(content.image, ImageFromText(image, path + "images[0]"));
  }
  return OkStatus();
}

Result<Content> ReadPrompt(const json& body) {
  Content content;
  std::string system;
  std::string prompt;
  JsonFields fields(body);
  MAO_RETURN_IF_ERROR(fields.Read("system", system).Read("prompt", prompt).status());
  content.AddText(system);
  content.AddText(prompt);
  MAO_RETURN_IF_ERROR(AddImages(body, "", content));
  return content;
}

Result<Content> ReadMessages(const json& body) {
  Content content;
  const json* const messages = JsonFields(body).Find("messages");
  if (messages == nullptr) return content;
  if (!messages->is_array()) return InvalidArgumentError("messages: expected an array");
  for (const json& message : *messages) {
    std::string role;
    std::string text;
    JsonFields fields(message, "messages[].");
    fields.Read("role", role).Read("content", text);
    MAO_RETURN_IF_ERROR(fields.status());
    if (role.empty()) return InvalidArgumentError("messages: a message has no role");
    content.AddText(text);
    MAO_RETURN_IF_ERROR(AddImages(message, "messages[].", content));
  }
  return content;
}

// What would change the answer and cannot be honoured is refused rather than ignored.
Status RefuseUnknown(const json& body) {
  for (const char* name : {"tools", "think", "suffix"}) {
    const json* const field = JsonFields(body).Find(name);
    const bool is_set = field != nullptr && *field != false && *field != "" &&
                        !(field->is_array() && field->empty());
    if (is_set) return UnimplementedError(fmt::format("{}: this server does not support it", name));
  }
  return OkStatus();
}

Status ReadSampling(const json& options, const std::string& path, GenerationRequest& request) {
  SamplingParams& sampling = request.sampling;
  int num_predict = 0;  // Ollama's negative numbers mean no limit
  JsonFields fields(options, path);
  fields.Read("temperature", sampling.temperature)
      .Read("top_k", sampling.top_k)
      .Read("top_p", sampling.top_p)
      .Read("min_p", sampling.min_p)
      .Read("seed", sampling.seed)
      .Read("stop", sampling.stop)
      .Read("max_tokens", num_predict)
      .Read("num_predict", num_predict)
      .Read("repeat_penalty", sampling.repetition_penalty)
      .Read("presence_penalty", sampling.presence_penalty)
      .Read("frequency_penalty", sampling.frequency_penalty)
      .Read("size", request.image_options.mode);
  MAO_RETURN_IF_ERROR(fields.status());
  if (num_predict > 0) sampling.max_tokens = num_predict;
  return OkStatus();
}

Status ReadFormat(const json& body, std::string_view text, SamplingParams& sampling) {
  using Kind = ConstraintSpec::Kind;
  const json* const format = JsonFields(body).Find("format");
  if (format == nullptr || *format == "") return OkStatus();
  if (*format == "json") {
    sampling.constraint = {Kind::kJsonObject, ""};
    return OkStatus();
  }
  if (!format->is_object()) {
    return InvalidArgumentError("format: expected \"json\" or a JSON Schema");
  }
  constexpr std::string_view kPath[] = {"format"};
  MAO_ASSIGN_OR_RETURN(std::string schema, JsonTextAt(text, kPath));
  sampling.constraint = {Kind::kJsonSchema, std::move(schema)};
  return OkStatus();
}

}  // namespace

Result<ServedModel> FindOllamaModel(const Service& service, const std::string& name,
                                    const std::string& engine) {
  Result<ServedModel> model = service.FindModel(name, engine);
  if (model.ok() || model.status().code() != StatusCode::kNotFound || !name.ends_with(kLatest)) {
    return model;
  }
  return service.FindModel(name.substr(0, name.size() - kLatest.size()), engine);
}

Result<OllamaRequest> ParseOllamaRequest(const json& body, std::string_view text, bool is_chat,
                                         const ModelInfo* info) {
  MAO_RETURN_IF_ERROR(JsonFields(body).status());
  MAO_RETURN_IF_ERROR(RefuseUnknown(body));
  MAO_ASSIGN_OR_RETURN(Content content, is_chat ? ReadMessages(body) : ReadPrompt(body));
  OllamaRequest request;
  request.is_chat = is_chat;
  MAO_RETURN_IF_ERROR(JsonFields(body).Read("stream", request.stream).status());
  request.is_load = content.text.empty() && content.image.empty();
  if (request.is_load) return request;

  GenerationRequest& generation = request.generation;
  const bool has_image = !content.image.empty();
  if (has_image) generation.sampling = DefaultPageSampling(info);
  MAO_RETURN_IF_ERROR(ReadSampling(body, "", generation));
  if (const json* options = JsonFields(body).Find("options"); options != nullptr) {
    MAO_RETURN_IF_ERROR(ReadSampling(*options, "options.", generation));
  }
  MAO_RETURN_IF_ERROR(ReadFormat(body, text, generation.sampling));
  constexpr std::string_view kTextTask = "text";
  MAO_ASSIGN_OR_RETURN(OcrTask task, content.text.empty() ? ParseTask(kTextTask)
                                     : has_image          ? UserImagePrompt(content.text)
                                                          : UserPrompt(content.text));
  generation.prompt = std::move(task.prompt);
  generation.image = std::move(content.image);
  generation.context.operation = is_chat ? "chat" : "generate";
  return request;
}

}  // namespace mao
