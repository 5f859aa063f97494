#include "serve/openai/completion_request.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "ocr/tasks.h"
#include "serve/api/base64.h"
#include "serve/api/json.h"
#include "serve/api/ocr_image.h"

namespace mao {
namespace {

using nlohmann::json;

// What the messages of a chat come to.
struct ChatContent {
  std::string text;
  ImageSource image;
  std::string detail;
};

Status AddImage(const json& part, ChatContent& content) {
  const json* image = nullptr;
  for (const char* name : {"image_url", "image"}) {
    if (part.contains(name)) image = &part[name];
  }
  std::string url;
  if (image != nullptr && image->is_string()) url = image->get<std::string>();
  if (image != nullptr && image->is_object()) {
    JsonFields fields(*image, "image_url.");
    fields.Read("url", url).Read("detail", content.detail);
    MAO_RETURN_IF_ERROR(fields.status());
  }
  if (url.empty()) return InvalidArgumentError("messages: an image part has no image_url.url");
  if (!content.image.empty()) {
    return InvalidArgumentError("messages: the model reads one image in a request, found two");
  }
  content.image.name = "image_url";
  if (IsDataUri(url)) {
    Result<std::string> bytes = DecodeDataUri(url);
    if (!bytes.ok()) return bytes.status().WithContext("image_url");
    content.image.bytes = std::make_shared<const std::string>(std::move(bytes).value());
  } else if (url.starts_with("http://") || url.starts_with("https://")) {
    content.image.url = std::move(url);
  } else {
    return InvalidArgumentError(
        "image_url: expected a data: URI or an address with http:// or https://");
  }
  return OkStatus();
}

// {"type": "file", "file": {"filename", "file_data": a data: URI}}: a PDF of one page, or an image.
Status AddFile(const json& part, ChatContent& content) {
  const json* const file = JsonFields(part).Find("file");
  if (file == nullptr) return InvalidArgumentError("messages: a file part has no file");
  std::string data;
  std::string name = "file";
  JsonFields fields(*file, "file.");
  fields.Read("file_data", data).Read("filename", name);
  MAO_RETURN_IF_ERROR(fields.status());
  if (fields.Find("file_id") != nullptr) {
    return UnimplementedError("file.file_id: send the file itself as file_data");
  }
  if (!content.image.empty()) {
    return InvalidArgumentError("messages: the model reads one image in a request, found two");
  }
  Result<ImageSource> image = ImageFromText(data, std::move(name));
  if (!image.ok()) return image.status().WithContext("file.file_data");
  content.image = *std::move(image);
  return OkStatus();
}

Status AddPart(const json& part, ChatContent& content) {
  if (part.is_string()) {
    content.text += part.get<std::string>();
    return OkStatus();
  }
  std::string type;
  JsonFields fields(part, "messages[].content[].");
  fields.Read("type", type);
  MAO_RETURN_IF_ERROR(fields.status());
  if (type == "text" || type == "input_text") {
    std::string text;
    fields.Read("text", text);
    content.text += text;
    return fields.status();
  }
  if (type == "image_url" || type == "input_image") return AddImage(part, content);
  if (type == "file") return AddFile(part, content);
  return InvalidArgumentError(fmt::format(
      "messages: content of type '{}' is not supported; there is text, image_url and file", type));
}

Result<ChatContent> ReadMessages(const json& body) {
  const auto messages = body.find("messages");
  if (messages == body.end() || !messages->is_array() || messages->empty()) {
    return InvalidArgumentError("messages: expected an array with at least one message");
  }
  ChatContent content;
  for (const json& message : *messages) {
    JsonFields fields(message, "messages[].");
    std::string role;
    fields.Read("role", role);
    MAO_RETURN_IF_ERROR(fields.status());
    if (role.empty()) return InvalidArgumentError("messages: a message has no role");
    const json* parts = fields.Find("content");
    if (parts == nullptr) continue;
    if (!content.text.empty()) content.text += '\n';
    if (parts->is_string()) {
      content.text += parts->get<std::string>();
    } else if (parts->is_array()) {
      for (const json& part : *parts) MAO_RETURN_IF_ERROR(AddPart(part, content));
    } else {
      return InvalidArgumentError("messages: content is neither a string nor an array of parts");
    }
  }
  return content;
}

// The model was trained on "<image>\n" in front of its prompts. Some clients write that themselves.
std::string AfterImage(std::string_view text) {
  constexpr std::string_view kImageTag = "<image>";
  while (text.starts_with(kImageTag) || text.starts_with('\n')) {
    text.remove_prefix(text.front() == '\n' ? 1 : kImageTag.size());
  }
  return "\n" + std::string(text);
}

// The n-gram ban of DeepSeek-OCR as vLLM's users spell it. The whitelist comes as a list or, from
// clients that can only send strings, as its JSON.
Status ReadVllmXargs(const json& xargs, SamplingParams& sampling) {
  JsonFields fields(xargs, "vllm_xargs.");
  fields.Read("ngram_size", sampling.no_repeat_ngram_size)
      .Read("window_size", sampling.no_repeat_ngram_window);
  if (const json* ids = fields.Find("whitelist_token_ids"); ids != nullptr) {
    json list = *ids;
    if (ids->is_string()) {
      MAO_ASSIGN_OR_RETURN(list, ParseJson(ids->get_ref<const std::string&>()));
    }
    const json wrapped = {{"whitelist_token_ids", list}};
    JsonFields inner(wrapped, "vllm_xargs.");
    inner.Read("whitelist_token_ids", sampling.no_repeat_ngram_whitelist);
    MAO_RETURN_IF_ERROR(inner.status());
  }
  return fields.status();
}

// OpenAI's response_format.
Status ReadResponseFormat(const json& format, std::string_view text, SamplingParams& sampling) {
  using Kind = ConstraintSpec::Kind;
  std::string type;
  JsonFields fields(format, "response_format.");
  fields.Read("type", type);
  MAO_RETURN_IF_ERROR(fields.status());
  if (type == "text") return OkStatus();
  if (type == "json_object") {
    sampling.constraint = {Kind::kJsonObject, ""};
    return OkStatus();
  }
  if (type != "json_schema") {
    return InvalidArgumentError(fmt::format(
        "response_format.type: expected text, json_object or json_schema, found '{}'", type));
  }
  // As it was written: the order of its properties is that of the answer.
  constexpr std::string_view kPath[] = {"response_format", "json_schema", "schema"};
  Result<std::string> schema = JsonTextAt(text, kPath);
  if (!schema.ok()) {
    return InvalidArgumentError("response_format.json_schema.schema: expected a JSON Schema");
  }
  sampling.constraint = {Kind::kJsonSchema, std::move(schema).value()};
  return OkStatus();
}

// vLLM's structured_outputs: one of json (a schema, or its text), regex and choice.
Status ReadStructuredOutputs(const json& outputs, std::string_view text, SamplingParams& sampling) {
  using Kind = ConstraintSpec::Kind;
  JsonFields fields(outputs, "structured_outputs.");
  MAO_RETURN_IF_ERROR(fields.status());
  for (const auto& [name, kind] :
       {std::pair("json", Kind::kJsonSchema), std::pair("regex", Kind::kRegex),
        std::pair("choice", Kind::kChoice)}) {
    const json* value = fields.Find(name);
    if (value == nullptr) continue;
    if (sampling.constraint.has_value()) {
      return InvalidArgumentError("structured_outputs: more than one of json, regex and choice");
    }
    const std::string_view path[] = {"structured_outputs", name};
    MAO_ASSIGN_OR_RETURN(std::string written, JsonTextAt(text, path));
    sampling.constraint = {kind, value->is_string() ? value->get<std::string>() : written};
  }
  if (!sampling.constraint.has_value()) {
    return InvalidArgumentError("structured_outputs: expected one of json, regex and choice");
  }
  return OkStatus();
}

Status ReadConstraint(const JsonFields& body, std::string_view text, SamplingParams& sampling) {
  if (const json* format = body.Find("response_format"); format != nullptr) {
    MAO_RETURN_IF_ERROR(ReadResponseFormat(*format, text, sampling));
  }
  if (const json* outputs = body.Find("structured_outputs"); outputs != nullptr) {
    MAO_RETURN_IF_ERROR(ReadStructuredOutputs(*outputs, text, sampling));
  }
  return OkStatus();
}

Status ReadSampling(std::string_view text, const json& body, SamplingParams& sampling) {
  JsonFields fields(body);
  fields.Read("temperature", sampling.temperature)
      .Read("top_p", sampling.top_p)
      .Read("top_k", sampling.top_k)
      .Read("min_p", sampling.min_p)
      .Read("seed", sampling.seed)
      .Read("repetition_penalty", sampling.repetition_penalty)
      .Read("presence_penalty", sampling.presence_penalty)
      .Read("frequency_penalty", sampling.frequency_penalty)
      .Read("min_tokens", sampling.min_tokens)
      .Read("max_tokens", sampling.max_tokens)
      .Read("max_completion_tokens", sampling.max_tokens)
      .Read("stop", sampling.stop)
      .Read("stop_token_ids", sampling.stop_token_ids)
      .Read("ignore_eos", sampling.ignore_eos)
      .Read("skip_special_tokens", sampling.skip_special_tokens);
  MAO_RETURN_IF_ERROR(fields.status());
  if (sampling.top_k < 0) sampling.top_k = 0;  // vLLM's -1
  MAO_RETURN_IF_ERROR(ReadConstraint(fields, text, sampling));
  if (const json* xargs = fields.Find("vllm_xargs"); xargs != nullptr) {
    MAO_RETURN_IF_ERROR(ReadVllmXargs(*xargs, sampling));
  }
  return OkStatus();
}

Status ReadImageOptions(const JsonFields& body, const std::string& detail, ImageOptions& options) {
  if (detail == "low") options.mode = "small";
  const json* kwargs = body.Find("mm_processor_kwargs");
  if (kwargs == nullptr) return OkStatus();
  JsonFields fields(*kwargs, "mm_processor_kwargs.");
  fields.Read("mode", options.mode).Read("max_crops", options.max_tiles);
  return fields.status();
}

// Choices of one prompt differ in their seed.
Status AddChoices(GenerationRequest request, int n, CompletionRequest& completion) {
  const size_t num_choices = completion.choices.size() + static_cast<size_t>(std::max(n, 0));
  if (n < 1 || num_choices > kMaxChoices) {
    return InvalidArgumentError(
        fmt::format("n: {} choices; expected 1 to {}", num_choices, kMaxChoices));
  }
  for (int i = 0; i < n; ++i) {
    completion.choices.push_back(request);
    if (request.sampling.seed.has_value()) ++*request.sampling.seed;
  }
  return OkStatus();
}

struct Common {
  GenerationRequest request;
  int n = 1;
};

Result<Common> ReadCommon(std::string_view text, const json& body, const ModelInfo* info,
                          bool has_image, CompletionRequest& completion) {
  Common common;
  GenerationRequest& request = common.request;
  request.sampling = DefaultCompletionSampling(info, has_image);
  JsonFields fields(body);
  fields.Read("model", request.model)
      .Read("inference_engine", request.engine)
      .Read("priority", request.priority)
      .Read("cache_salt", request.cache_salt)
      .Read("n", common.n)
      .Read("stream", completion.stream)
      .Read("echo", completion.echo);
  MAO_RETURN_IF_ERROR(fields.status());
  MAO_RETURN_IF_ERROR(ReadSampling(text, body, request.sampling));
  if (const json* options = fields.Find("stream_options"); options != nullptr) {
    JsonFields inner(*options, "stream_options.");
    inner.Read("include_usage", completion.include_usage)
        .Read("continuous_usage_stats", completion.continuous_usage);
    MAO_RETURN_IF_ERROR(inner.status());
  }
  return common;
}

}  // namespace

SamplingParams DefaultCompletionSampling(const ModelInfo* info, bool has_image) {
  if (info == nullptr || !has_image) return {};
  return DefaultSampling(*info);
}

Result<CompletionRequest> ParseChatRequest(std::string_view text, const json& body,
                                           const ModelInfo* info) {
  MAO_ASSIGN_OR_RETURN(ChatContent content, ReadMessages(body));
  CompletionRequest completion;
  MAO_ASSIGN_OR_RETURN(Common common,
                       ReadCommon(text, body, info, !content.image.empty(), completion));
  GenerationRequest& request = common.request;
  JsonFields fields(body);
  MAO_RETURN_IF_ERROR(ReadImageOptions(fields, content.detail, request.image_options));
  int top_logprobs = 0;
  fields.Read("logprobs", completion.wants_logprobs).Read("top_logprobs", top_logprobs);
  MAO_RETURN_IF_ERROR(fields.status());
  if (completion.wants_logprobs) request.sampling.logprobs = top_logprobs;
  MAO_ASSIGN_OR_RETURN(OcrTask task,
                       UserPrompt(content.image.empty() ? content.text : AfterImage(content.text)));
  request.prompt = std::move(task.prompt);
  if (info != nullptr && !body.contains("vllm_xargs")) {
    request.pdf_ngram = NgramRule{kPdfNgramSize, kPdfNgramWindow};
  }
  request.image = std::move(content.image);
  request.context.operation = "chat";
  MAO_RETURN_IF_ERROR(AddChoices(std::move(request), common.n, completion));
  return completion;
}

Result<CompletionRequest> ParseCompletionRequest(std::string_view text, const json& body,
                                                 const ModelInfo* info) {
  CompletionRequest completion;
  completion.is_chat = false;
  MAO_ASSIGN_OR_RETURN(const Common common, ReadCommon(text, body, info, false, completion));
  GenerationRequest request = common.request;
  JsonFields fields(body);
  std::optional<int> logprobs;
  fields.Read("prompt", completion.prompts).Read("logprobs", logprobs);
  MAO_RETURN_IF_ERROR(fields.status());
  if (completion.prompts.empty()) {
    return InvalidArgumentError("prompt: expected a string or an array of strings");
  }
  completion.wants_logprobs = logprobs.has_value();
  request.sampling.logprobs = logprobs.value_or(-1);
  request.context.operation = "completion";
  for (const std::string& prompt : completion.prompts) {
    MAO_ASSIGN_OR_RETURN(OcrTask task, UserPrompt(prompt));
    request.prompt = std::move(task.prompt);
    MAO_RETURN_IF_ERROR(AddChoices(request, common.n, completion));
  }
  return completion;
}

}  // namespace mao
