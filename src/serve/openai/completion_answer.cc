#include "serve/openai/completion_answer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "serve/api/error.h"
#include "serve/api/json.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kKeepAliveInterval{10};

// OpenAI's clients know stop and length; a text that went round in circles is cut off like one at
// the limit, and stop_reason (vLLM's field) tells the difference.
void SetFinish(StopReason reason, Json& finish_reason, Json& stop_reason) {
  const bool is_cut = reason == StopReason::kMaxTokens || reason == StopReason::kRepetition;
  finish_reason = is_cut ? "length" : "stop";
  if (reason == StopReason::kRepetition) stop_reason = "repetition";
}

}  // namespace

class CompletionAnswer::Observer final : public CallObserver {
 public:
  Observer(std::shared_ptr<CompletionAnswer> answer, size_t index)
      : answer_(std::move(answer)), index_(index) {}
  void OnOutput(const GenerationOutput& output) override { answer_->OnOutput(index_, output); }
  void OnDone(const Result<Generation>& result) override { answer_->OnDone(index_, result); }

 private:
  const std::shared_ptr<CompletionAnswer> answer_;
  const size_t index_;
};

CompletionAnswer::CompletionAnswer(std::shared_ptr<Exchange> exchange, CompletionRequest request,
                                   std::shared_ptr<Backend> backend, std::string model)
    : exchange_(std::move(exchange)),
      request_(std::move(request)),
      backend_(std::move(backend)),
      model_(std::move(model)),
      id_((request_.is_chat ? "chatcmpl-" : "cmpl-") + exchange_->request().context.request_id),
      created_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()),
      choices_(request_.choices.size()) {}

void CompletionAnswer::Start(Service& service) {
  for (size_t i = 0; i < request_.choices.size(); ++i) {
    auto call =
        service.Submit(request_.choices[i], std::make_shared<Observer>(shared_from_this(), i));
    if (!call.ok()) {
      const std::lock_guard lock(mutex_);
      return Fail(call.status());
    }
    const std::lock_guard lock(mutex_);
    calls_.push_back(*call);
    if (failed_) return (*call)->Cancel();
  }
  exchange_->OnDisconnect([self = shared_from_this()] {
    const std::lock_guard lock(self->mutex_);
    for (const std::shared_ptr<Call>& call : self->calls_) call->Cancel();
  });
}

void CompletionAnswer::OnOutput(size_t index, const GenerationOutput& output) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  Choice& choice = choices_[index];
  if (request_.stream) {
    Count(static_cast<int64_t>(output.token_ids.size()), choice);
    WriteChunk(index, output, false);
    return;
  }
  choice.text += output.text;
  if (!request_.wants_logprobs) return;
  Json logprobs = Logprobs(output);
  for (auto& [key, values] : logprobs.items()) {
    for (Json& value : values) choice.logprobs[key].push_back(std::move(value));
  }
}

void CompletionAnswer::OnDone(size_t index, const Result<Generation>& result) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  if (!result.ok()) return Fail(result.status());
  Choice& choice = choices_[index];
  SetFinish(result->stop_reason, choice.finish_reason, choice.stop_reason);
  // Choices of one prompt share its tokens.
  const size_t num_prompts = request_.is_chat ? 1 : request_.prompts.size();
  if (index % (choices_.size() / num_prompts) == 0) {
    prompt_tokens_ += result->stats.num_prompt_tokens;
    cached_tokens_ += result->stats.num_cached_tokens;
  }
  Count(result->stats.num_output_tokens - choice.num_tokens, choice);
  if (request_.stream) WriteChunk(index, {}, true);
  if (++num_done_ == choices_.size()) Conclude();
}

void CompletionAnswer::Count(int64_t num_tokens, Choice& choice) {
  choice.num_tokens += num_tokens;
  completion_tokens_ += num_tokens;
}

void CompletionAnswer::Fail(const Status& status) {
  failed_ = true;
  for (const std::shared_ptr<Call>& call : calls_) call->Cancel();
  if (!streaming_) return exchange_->Send(OpenAiError(status));
  exchange_->Write("data: " + OpenAiErrorBody(status) + "\n\ndata: [DONE]\n\n");
  exchange_->End();
}

void CompletionAnswer::BeginStream() {
  if (streaming_) return;
  streaming_ = true;
  exchange_->SetKeepAlive(": keep-alive\n\n", kKeepAliveInterval);
  exchange_->Begin({200, "text/event-stream; charset=utf-8", "", {{"Cache-Control", "no-cache"}}});
}

void CompletionAnswer::WriteChunk(size_t index, const GenerationOutput& output, bool is_last) {
  BeginStream();
  Choice& choice = choices_[index];
  Json item = {{"index", index}};
  std::string text = output.text;
  if (request_.is_chat) {
    Json delta = Json::object();
    if (!choice.has_begun) delta["role"] = "assistant";
    if (!choice.has_begun || !is_last) delta["content"] = std::move(text);
    item["delta"] = std::move(delta);
  } else {
    if (!choice.has_begun && request_.echo) {
      text = request_.prompts[index * request_.prompts.size() / choices_.size()] + text;
    }
    item["text"] = std::move(text);
  }
  choice.has_begun = true;
  item["logprobs"] = request_.wants_logprobs && !is_last ? Logprobs(output) : Json();
  item["finish_reason"] = choice.finish_reason;
  if (is_last) item["stop_reason"] = choice.stop_reason;
  Json event = Envelope(request_.is_chat ? "chat.completion.chunk" : "text_completion");
  event["choices"] = Json::array({std::move(item)});
  if (request_.continuous_usage) event["usage"] = Usage();
  WriteEvent(event);
}

void CompletionAnswer::WriteEvent(const Json& event) {
  exchange_->Write("data: " + DumpJson(event) + "\n\n");
}

void CompletionAnswer::Conclude() {
  if (request_.stream) {
    if (request_.include_usage) {
      Json event = Envelope(request_.is_chat ? "chat.completion.chunk" : "text_completion");
      event["choices"] = Json::array();
      event["usage"] = Usage();
      WriteEvent(event);
    }
    exchange_->Write("data: [DONE]\n\n");
    return exchange_->End();
  }
  Json body = Envelope(request_.is_chat ? "chat.completion" : "text_completion");
  body["choices"] = Json::array();
  for (size_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = choices_[i];
    Json item = {{"index", i}};
    if (request_.is_chat) {
      item["message"] = {{"role", "assistant"}, {"content", choice.text}};
    } else {
      const std::string& prompt = request_.prompts[i * request_.prompts.size() / choices_.size()];
      item["text"] = request_.echo ? prompt + choice.text : choice.text;
    }
    item["logprobs"] = std::move(choice.logprobs);
    item["finish_reason"] = std::move(choice.finish_reason);
    item["stop_reason"] = std::move(choice.stop_reason);
    body["choices"].push_back(std::move(item));
  }
  body["usage"] = Usage();
  exchange_->Send(JsonResponse(200, DumpJson(body)));
}

Json CompletionAnswer::Envelope(const char* object) const {
  return {{"id", id_}, {"object", object}, {"created", created_}, {"model", model_}};
}

Json CompletionAnswer::Usage() const {
  return {{"prompt_tokens", prompt_tokens_},
          {"completion_tokens", completion_tokens_},
          {"total_tokens", prompt_tokens_ + completion_tokens_},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}}};
}

std::string CompletionAnswer::TokenText(TokenId id) const {
  const Engine* engine = backend_->engine();
  if (engine == nullptr) return std::to_string(id);
  const std::array<TokenId, 1> ids = {id};
  return engine->tokenizer().Decode(ids, false);
}

Json CompletionAnswer::Logprobs(const GenerationOutput& output) const {
  const auto describe = [this](const TokenLogprob& token) {
    const std::string text = TokenText(token.id);
    Json bytes = Json::array();
    for (const char c : text) bytes.push_back(static_cast<uint8_t>(c));
    return Json{{"token", text}, {"logprob", token.logprob}, {"bytes", std::move(bytes)}};
  };
  Json result = request_.is_chat ? Json{{"content", Json::array()}}
                                 : Json{{"tokens", Json::array()},
                                        {"token_logprobs", Json::array()},
                                        {"top_logprobs", Json::array()}};
  for (const OutputLogprobs& logprobs : output.logprobs) {
    if (request_.is_chat) {
      Json entry = describe(logprobs.chosen);
      entry["top_logprobs"] = Json::array();
      for (const TokenLogprob& token : logprobs.top) {
        entry["top_logprobs"].push_back(describe(token));
      }
      result["content"].push_back(std::move(entry));
      continue;
    }
    result["tokens"].push_back(TokenText(logprobs.chosen.id));
    result["token_logprobs"].push_back(logprobs.chosen.logprob);
    Json top = Json::object();
    for (const TokenLogprob& token : logprobs.top) top[TokenText(token.id)] = token.logprob;
    result["top_logprobs"].push_back(std::move(top));
  }
  return result;
}

}  // namespace mao
