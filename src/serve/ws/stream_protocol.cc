#include "serve/ws/stream_protocol.h"

#include <mutex>
#include <string>
#include <utility>

#include "serve/api/json.h"
#include "serve/openai/prompt_request.h"
#include "serve/ws/protocol_json.h"

namespace mao {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

Json Usage(const Generation& answer) {
  const RequestStats& stats = answer.stats;
  return {{"prompt_tokens", stats.num_prompt_tokens},
          {"completion_tokens", stats.num_output_tokens},
          {"total_tokens", stats.num_prompt_tokens + stats.num_output_tokens},
          {"prompt_tokens_details", {{"cached_tokens", stats.num_cached_tokens}}}};
}

std::string EndText(const Generation& answer) {
  const bool is_cut =
      answer.stop_reason == StopReason::kMaxTokens || answer.stop_reason == StopReason::kRepetition;
  Json end = {{"text", ""},
              {"finished", true},
              {"finish_reason", is_cut ? "length" : "stop"},
              {"model", answer.model},
              {"usage", Usage(answer)}};
  if (answer.stop_reason == StopReason::kRepetition) end["stop_reason"] = "repetition";
  return DumpJson(end);
}

std::string ErrorText(const Status& status, bool is_finished) {
  return DumpJson(Json{{"error", ErrorObject(status)}, {"finished", is_finished}});
}

class StreamSession final : public WebSocketSession,
                            public std::enable_shared_from_this<StreamSession> {
 public:
  StreamSession(Service& service, CallContext context, std::shared_ptr<WebSocket> socket)
      : service_(service), context_(std::move(context)), socket_(std::move(socket)) {}

  void OnMessage(std::string text) override {
    const Status status = Take(text);
    if (!status.ok()) SendError(status, is_idle());
  }

  void OnClose() override {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    if (call_ != nullptr) call_->Cancel();
  }

  bool is_idle() const override {
    const std::lock_guard lock(mutex_);
    return !is_answering_;
  }

 private:
  class Observer;

  Status Take(const std::string& text) {
    MAO_ASSIGN_OR_RETURN(json message, ParseJson(text));
    std::string type;
    JsonFields fields(message);
    fields.Read("type", type);
    MAO_RETURN_IF_ERROR(fields.status());
    if (type == "cancel") return Cancel();
    if (!type.empty() && type != "generate") {
      return InvalidArgumentError("type: expected generate or cancel");
    }
    {
      const std::lock_guard lock(mutex_);
      if (is_answering_) {
        return InvalidArgumentError(
            "a prompt is being answered; wait for the end, or send {\"type\":\"cancel\"}");
      }
      is_answering_ = true;
      ++num_calls_;
    }
    message.erase("type");
    const Status status = Answer(text, std::move(message));
    if (!status.ok()) End(ErrorText(status, true));
    return OkStatus();
  }

  // `message` is the parsed `text`.
  Status Answer(std::string_view text, json message);

  Status Cancel() {
    const std::lock_guard lock(mutex_);
    if (call_ == nullptr) return InvalidArgumentError("nothing is being answered");
    call_->Cancel();
    return OkStatus();
  }

  // In one: a server that shuts down closes a socket once it is idle.
  void End(std::string text) {
    const std::lock_guard lock(mutex_);
    is_answering_ = false;
    call_.reset();
    socket_->Send(std::move(text));
  }

  void OnOutput(const GenerationOutput& output) {
    if (output.text.empty()) return;
    socket_->Send(DumpJson(Json{{"text", output.text}, {"finished", false}}));
  }

  void OnDone(const Result<Generation>& result) {
    End(result.ok() ? EndText(*result) : ErrorText(result.status(), true));
  }

  void SendError(const Status& status, bool is_finished) {
    socket_->Send(ErrorText(status, is_finished));
  }

  Service& service_;
  const CallContext context_;
  const std::shared_ptr<WebSocket> socket_;

  mutable std::mutex mutex_;
  uint64_t num_calls_ = 0;
  bool is_answering_ = false;
  bool is_closed_ = false;
  std::shared_ptr<Call> call_;
};

class StreamSession::Observer final : public CallObserver {
 public:
  explicit Observer(std::shared_ptr<StreamSession> session) : session_(std::move(session)) {}
  void OnOutput(const GenerationOutput& output) override { session_->OnOutput(output); }
  void OnDone(const Result<Generation>& result) override { session_->OnDone(result); }

 private:
  const std::shared_ptr<StreamSession> session_;
};

Status StreamSession::Answer(std::string_view text, json message) {
  MAO_ASSIGN_OR_RETURN(GenerationRequest generation,
                       ParsePromptRequest(service_, text, std::move(message)));
  generation.context = CallContextOf(context_, num_calls_, "stream");
  MAO_ASSIGN_OR_RETURN(
      std::shared_ptr<Call> call,
      service_.Submit(std::move(generation), std::make_shared<Observer>(shared_from_this())));
  const std::lock_guard lock(mutex_);
  if (is_closed_) call->Cancel();
  if (is_answering_) call_ = std::move(call);  // else it has ended already
  return OkStatus();
}

}  // namespace

std::shared_ptr<WebSocketSession> OpenStreamSession(Service& service, const CallContext& context,
                                                    std::shared_ptr<WebSocket> socket) {
  return std::make_shared<StreamSession>(service, context, std::move(socket));
}

}  // namespace mao
