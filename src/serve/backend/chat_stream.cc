#include "serve/backend/chat_stream.h"

#include <charconv>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "text/utf8.h"

namespace mao {
namespace {

using nlohmann::json;

// Null if the object has no such field or it is null.
const json* Find(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

int64_t Count(const json& object, const char* name) {
  const json* const field = Find(object, name);
  if (field == nullptr || !field->is_number_integer()) return 0;
  const auto count = field->get<int64_t>();
  return count < 0 ? 0 : count;
}

std::string Text(const json& object, const char* name) {
  const json* const field = Find(object, name);
  return field != nullptr && field->is_string() ? field->get<std::string>() : "";
}

// "token_id:123", as vLLM writes with return_tokens_as_token_ids.
std::optional<TokenId> TokenIdOf(const json& token) {
  constexpr std::string_view kPrefix = "token_id:";
  const std::string text = Text(token, "token");
  if (!text.starts_with(kPrefix)) return std::nullopt;
  TokenId id = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + kPrefix.size(), end, id);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return id;
}

Result<TokenLogprob> ReadLogprob(const json& token) {
  const std::optional<TokenId> id = TokenIdOf(token);
  const json* const logprob = Find(token, "logprob");
  if (!id.has_value() || logprob == nullptr || !logprob->is_number()) {
    return UnimplementedError("the server names no token ids with its log-probabilities");
  }
  return TokenLogprob{*id, logprob->get<float>()};
}

Status AddLogprobs(const json& choice, GenerationOutput& output) {
  const json* const logprobs = Find(choice, "logprobs");
  const json* const content = logprobs == nullptr ? nullptr : Find(*logprobs, "content");
  if (content == nullptr || !content->is_array()) return OkStatus();
  for (const json& token : *content) {
    OutputLogprobs entry;
    MAO_ASSIGN_OR_RETURN(entry.chosen, ReadLogprob(token));
    const json* const top = Find(token, "top_logprobs");
    if (top != nullptr && top->is_array()) {
      for (const json& other : *top) {
        MAO_ASSIGN_OR_RETURN(const TokenLogprob logprob, ReadLogprob(other));
        entry.top.push_back(logprob);
      }
    }
    output.logprobs.push_back(std::move(entry));
  }
  return OkStatus();
}

void AddTokenIds(const json& choice, GenerationOutput& output) {
  const json* const ids = Find(choice, "token_ids");
  if (ids == nullptr || !ids->is_array()) return;
  for (const json& id : *ids) {
    if (id.is_number_integer()) output.token_ids.push_back(id.get<TokenId>());
  }
}

// "length" with the stop reason "repetition" is what a MaoOCR server says of a text that went round
// in circles.
StopReason ToStopReason(const json& choice, std::string_view finish_reason) {
  const json* const stop_reason = Find(choice, "stop_reason");
  if (finish_reason == "repetition") return StopReason::kRepetition;
  if (finish_reason == "length") {
    return Text(choice, "stop_reason") == "repetition" ? StopReason::kRepetition
                                                       : StopReason::kMaxTokens;
  }
  if (stop_reason == nullptr) return StopReason::kEndOfText;
  return stop_reason->is_string() ? StopReason::kStopString : StopReason::kStopToken;
}

}  // namespace

Status ChatStream::Take(std::string_view data, GenerationOutput& output) {
  if (is_done_) return OkStatus();
  if (data == "[DONE]") {
    is_done_ = true;
    return OkStatus();
  }
  const Result<json> parsed = ParseJson(data);
  if (!parsed.ok() || !parsed->is_object()) {
    return UnavailableError("the server sends an event that is no chunk of a chat completion");
  }
  const json& chunk = *parsed;
  if (Find(chunk, "error") != nullptr || Text(chunk, "object") == "error") {
    const std::string message = RemoteErrorMessage(data);
    return UnavailableError(message.empty() ? "the server failed without saying why" : message);
  }
  if (const json* const usage = Find(chunk, "usage"); usage != nullptr) {
    num_prompt_tokens_ = Count(*usage, "prompt_tokens");
    num_output_tokens_ = Count(*usage, "completion_tokens");
    const json* const details = Find(*usage, "prompt_tokens_details");
    if (details != nullptr) num_cached_tokens_ = Count(*details, "cached_tokens");
  }
  const json* const choices = Find(chunk, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return OkStatus();
  const json& choice = choices->front();
  if (const json* const delta = Find(choice, "delta"); delta != nullptr) {
    output.text += Text(*delta, "content");
  }
  AddTokenIds(choice, output);
  if (wants_logprobs_) MAO_RETURN_IF_ERROR(AddLogprobs(choice, output));
  const std::string finish_reason = Text(choice, "finish_reason");
  if (finish_reason.empty()) return OkStatus();
  if (finish_reason == "abort" || finish_reason == "error") {
    return UnavailableError(fmt::format("the server gave up ({})", finish_reason));
  }
  is_finished_ = true;
  stop_reason_ = ToStopReason(choice, finish_reason);
  return OkStatus();
}

std::string RemoteErrorMessage(std::string_view body) {
  constexpr size_t kMaxBytes = 500;
  const Result<json> parsed = ParseJson(body);
  if (!parsed.ok()) return "";
  const json* const error = Find(*parsed, "error");
  std::string message;
  if (error != nullptr)
    message = error->is_string() ? Text(*parsed, "error") : Text(*error, "message");
  for (const char* name : {"message", "detail"}) {
    if (message.empty()) message = Text(*parsed, name);
  }
  if (message.size() > kMaxBytes) {
    message.resize(kMaxBytes);
    message.resize(ValidUtf8Prefix(message));
  }
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return message;
}

}  // namespace mao
