#include "serve/rest/ollama_answer.h"

#include <ctime>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

int64_t Nanoseconds(double ms) {
  constexpr double kNsPerMs = 1e6;
  return static_cast<int64_t>(ms * kNsPerMs);
}

// A text that went round in circles is cut off like one at the limit; `stop_reason`, which is ours,
// tells the difference.
void AddFinish(StopReason reason, Json& json) {
  const bool is_cut = reason == StopReason::kMaxTokens || reason == StopReason::kRepetition;
  json["done_reason"] = is_cut ? "length" : "stop";
  if (reason == StopReason::kRepetition) json["stop_reason"] = "repetition";
}

void AddFigures(const Generation& answer, Json& json) {
  const RequestStats& stats = answer.stats;
  json["total_duration"] = Nanoseconds(answer.timings.total_ms);
  json["load_duration"] = 0;
  json["prompt_eval_count"] = stats.num_prompt_tokens;
  json["prompt_eval_duration"] = Nanoseconds(stats.prepare_ms + stats.encode_ms + stats.prefill_ms);
  json["eval_count"] = stats.num_output_tokens;
  json["eval_duration"] = Nanoseconds(stats.generate_ms);
}

Json Usage(const RequestStats& stats) {
  return {{"prompt_tokens", stats.num_prompt_tokens},
          {"completion_tokens", stats.num_output_tokens},
          {"total_tokens", stats.num_prompt_tokens + stats.num_output_tokens}};
}

Json ErrorJson(const Status& status) { return {{"error", status.message()}}; }

}  // namespace

HttpResponse OllamaError(const Status& status) {
  return ErrorResponse(status, DumpJson(ErrorJson(status)));
}

std::string Rfc3339(std::chrono::system_clock::time_point time) {
  using std::chrono::microseconds;
  using std::chrono::seconds;
  const auto since_epoch = time.time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since_epoch);
  const std::time_t stamp = whole.count();
  std::tm utc{};
  gmtime_r(&stamp, &utc);
  const auto fraction = std::chrono::duration_cast<microseconds>(since_epoch - whole).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, fraction);
}

OllamaAnswer::OllamaAnswer(std::shared_ptr<Exchange> exchange, std::string model, bool is_chat,
                           bool stream)
    : exchange_(std::move(exchange)),
      model_(std::move(model)),
      is_chat_(is_chat),
      is_streaming_(stream),
      stream_(exchange_, StreamKind::kJsonLines) {}

Json OllamaAnswer::Message(const std::string& text, bool done) const {
  Json message = {{"model", model_}, {"created_at", Rfc3339(std::chrono::system_clock::now())}};
  if (is_chat_) {
    message["message"] = {{"role", "assistant"}, {"content", text}};
  } else {
    message["response"] = text;
  }
  message["done"] = done;
  return message;
}

void OllamaAnswer::OnOutput(const GenerationOutput& output) {
  if (is_streaming_ && !output.text.empty()) stream_.Write("", Message(output.text, false));
}

void OllamaAnswer::OnDone(const Result<Generation>& result) {
  if (!result.ok()) {
    if (!stream_.has_begun()) return exchange_->Send(OllamaError(result.status()));
    stream_.Write("", ErrorJson(result.status()));
    return stream_.End();
  }
  Json last = Message(is_streaming_ ? "" : result->text, true);
  AddFinish(result->stop_reason, last);
  AddFigures(*result, last);
  if (!is_chat_) {
    if (!is_streaming_) last["text"] = result->text;
    last["usage"] = Usage(result->stats);
  }
  if (!is_streaming_) return exchange_->Send(JsonResponse(200, DumpJson(last)));
  stream_.Write("", last);
  stream_.End();
}

void OllamaAnswer::SendLoaded() {
  Json loaded = Message("", true);
  loaded["done_reason"] = "load";
  exchange_->Send(JsonResponse(200, DumpJson(loaded)));
}

}  // namespace mao
