#include "serve/backend/chat_request.h"

#include "serve/api/base64.h"
#include "serve/api/json.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

struct MediaTypeRow {
  std::string_view begins;
  std::string_view media_type;
};

constexpr MediaTypeRow kMediaTypes[] = {
    {"\x89PNG", "image/png"}, {"\xFF\xD8\xFF", "image/jpeg"}, {"GIF8", "image/gif"},
    {"BM", "image/bmp"},      {"II*", "image/tiff"},          {"MM", "image/tiff"},
};

std::string PromptText(const GenerationRequest& request) {
  std::string text;
  for (const PromptPiece& piece : request.prompt) text += piece.text;
  if (!request.image.empty() && text.starts_with('\n')) text.erase(0, 1);
  return text;
}

void AddSampling(const SamplingParams& sampling, Json& body) {
  body["temperature"] = sampling.temperature;
  if (sampling.top_p != 1) body["top_p"] = sampling.top_p;
  if (sampling.max_tokens != SamplingParams().max_tokens) body["max_tokens"] = sampling.max_tokens;
  if (sampling.seed.has_value()) body["seed"] = *sampling.seed;
  if (sampling.presence_penalty != 0) body["presence_penalty"] = sampling.presence_penalty;
  if (sampling.frequency_penalty != 0) body["frequency_penalty"] = sampling.frequency_penalty;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  if (sampling.logprobs >= 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = sampling.logprobs;
  }
}

void AddVllmSampling(const SamplingParams& sampling, Json& body) {
  body["skip_special_tokens"] = sampling.skip_special_tokens;
  body["return_token_ids"] = true;
  if (sampling.logprobs >= 0) body["return_tokens_as_token_ids"] = true;
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.min_p > 0) body["min_p"] = sampling.min_p;
  if (sampling.repetition_penalty != 1) body["repetition_penalty"] = sampling.repetition_penalty;
  if (sampling.min_tokens > 0) body["min_tokens"] = sampling.min_tokens;
  if (!sampling.stop_token_ids.empty()) body["stop_token_ids"] = sampling.stop_token_ids;
  if (sampling.ignore_eos) body["ignore_eos"] = true;
  if (sampling.no_repeat_ngram_size == 0) return;
  // Zero means the whole output to us, and nothing to DeepSeek-OCR's processor.
  const int window =
      sampling.no_repeat_ngram_window > 0 ? sampling.no_repeat_ngram_window : kMaxNgramWindow;
  body["vllm_xargs"] = {{"ngram_size", sampling.no_repeat_ngram_size},
                        {"window_size", window},
                        {"whitelist_token_ids", sampling.no_repeat_ngram_whitelist}};
}

void AddImageOptions(const ImageOptions& options, Json& body) {
  Json kwargs = Json::object();
  if (options.mode != ImageOptions().mode) kwargs["mode"] = options.mode;
  if (options.max_tiles != ImageOptions().max_tiles) kwargs["max_crops"] = options.max_tiles;
  if (!kwargs.empty()) body["mm_processor_kwargs"] = std::move(kwargs);
}

// The JSON of the user's message. Base64 needs no escaping, so the largest part is not looked at
// again.
std::string MessageContent(const GenerationRequest& request) {
  std::string text = DumpJson(Json(PromptText(request)));
  if (request.image.bytes == nullptr) return text;
  std::string content = R"([{"type":"image_url","image_url":{"url":"data:)";
  content += ImageMediaType(*request.image.bytes);
  content += ";base64,";
  content += EncodeBase64(*request.image.bytes);
  content += R"("}},{"type":"text","text":)";
  content += text;
  content += "}]";
  return content;
}

}  // namespace

std::string_view ImageMediaType(std::string_view file) {
  for (const MediaTypeRow& row : kMediaTypes) {
    if (file.starts_with(row.begins)) return row.media_type;
  }
  // "RIFF", the size of the file, "WEBP".
  if (file.starts_with("RIFF") && file.size() >= 12 && file.substr(8, 4) == "WEBP") {
    return "image/webp";
  }
  return "application/octet-stream";
}

std::string MakeChatBody(const GenerationRequest& request, std::string_view model,
                         bool vllm_fields) {
  Json body = Json::object();
  if (!model.empty()) body["model"] = model;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  AddSampling(request.sampling, body);
  if (vllm_fields) {
    AddVllmSampling(request.sampling, body);
    if (!request.image.empty()) AddImageOptions(request.image_options, body);
    // An answer that is broken off has no usage at its end.
    if (request.sampling.detect_loops) body["stream_options"]["continuous_usage_stats"] = true;
  }
  std::string json = R"({"messages":[{"role":"user","content":)";
  json += MessageContent(request);
  json += "}],";
  json += std::string_view(DumpJson(body)).substr(1);
  return json;
}

}  // namespace mao
