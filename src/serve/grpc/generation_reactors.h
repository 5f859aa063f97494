// RPCs that are calls of the service: whole, and as a stream. A reactor observes its call. It lives
// until gRPC is through with it and the service has let go of it, whichever is later; it finishes
// the RPC only when the call has ended, so a cancelled one has freed what it held by then.
#ifndef MAOOCR_SERVE_GRPC_GENERATION_REACTORS_H_
#define MAOOCR_SERVE_GRPC_GENERATION_REACTORS_H_

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "serve/grpc/joined_output.h"
#include "serve/grpc/rpc.h"

namespace mao {

// gRPC hands requests out as const, but they are not, and nobody else reads them: an image of many
// megabytes is moved rather than copied.
template <typename Message>
Message& Own(const Message* message) {
  return const_cast<Message&>(*message);
}

// Reads the message into a request. May move out of the message.
using ParseGeneration = std::function<Result<GenerationRequest>()>;

// Admits the RPC and submits its call. Not ok: the RPC is to be finished with it.
inline grpc::Status Begin(Rpc& rpc, size_t message_bytes, const ParseGeneration& parse,
                          std::shared_ptr<CallObserver> observer) {
  if (grpc::Status refusal = rpc.Admit(); !refusal.ok()) return refusal;
  const auto submit = [&]() -> Status {
    MAO_RETURN_IF_ERROR(rpc.Hold(message_bytes));
    MAO_ASSIGN_OR_RETURN(GenerationRequest request, parse());
    return rpc.Submit(std::move(request), std::move(observer));
  };
  const Status status = submit();
  return status.ok() ? grpc::Status::OK : rpc.End(status);
}

class UnaryGeneration final : public grpc::ServerUnaryReactor,
                              public CallObserver,
                              public std::enable_shared_from_this<UnaryGeneration> {
 public:
  // Writes the answer into the response.
  using Fill = std::function<void(const Generation&, const CallContext&)>;

  UnaryGeneration(RpcEnvironment& environment, grpc::CallbackServerContext& context,
                  std::string_view method, Fill fill)
      : rpc_(environment, context, method), fill_(std::move(fill)) {}

  grpc::ServerUnaryReactor* Start(size_t message_bytes, const ParseGeneration& parse) {
    self_ = shared_from_this();
    const grpc::Status status = Begin(rpc_, message_bytes, parse, self_);
    if (!status.ok()) Finish(status);
    return this;
  }

  void OnOutput(const GenerationOutput&) override {}
  void OnDone(const Result<Generation>& result) override {
    if (result.ok()) fill_(*result, rpc_.call_context());
    Finish(rpc_.End(result.status()));
  }

  void OnCancel() override { rpc_.Cancel(); }
  void OnDone() override {
    rpc_.Close();
    self_.reset();
  }

 private:
  Rpc rpc_;
  const Fill fill_;
  std::shared_ptr<UnaryGeneration> self_;  // while gRPC knows it
};

template <typename Event>
class StreamedGeneration final : public grpc::ServerWriteReactor<Event>,
                                 public CallObserver,
                                 public std::enable_shared_from_this<StreamedGeneration<Event>> {
 public:
  struct Fill {
    void (*delta)(const JoinedOutput::Piece& piece, Event& event);
    void (*result)(const Generation& answer, const CallContext& context, Event& event);
  };

  StreamedGeneration(RpcEnvironment& environment, grpc::CallbackServerContext& context,
                     std::string_view method, const Fill& fill)
      : rpc_(environment, context, method), fill_(fill) {}

  grpc::ServerWriteReactor<Event>* Start(size_t message_bytes, const ParseGeneration& parse) {
    self_ = this->shared_from_this();
    const grpc::Status status = Begin(rpc_, message_bytes, parse, self_);
    if (!status.ok()) this->Finish(status);
    return this;
  }

  void OnOutput(const GenerationOutput& output) override {
    output_.Add(output);
    WriteNext();
  }
  void OnDone(const Result<Generation>& result) override {
    output_.End(result);
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    output_.Written(ok);
    if (!ok) rpc_.Cancel();
    WriteNext();
  }
  void OnCancel() override { rpc_.Cancel(); }
  void OnDone() override {
    rpc_.Close();
    self_.reset();
  }

 private:
  void WriteNext() {
    const std::optional<JoinedOutput::Piece> piece = output_.Next();
    if (!piece.has_value()) return;
    event_.Clear();
    if (!piece->end.has_value()) {
      fill_.delta(*piece, event_);
      return this->StartWrite(&event_);
    }
    const Result<Generation>& end = *piece->end;
    grpc::Status status = rpc_.End(end.status());
    if (!end.ok()) return this->Finish(std::move(status));
    fill_.result(*end, rpc_.call_context(), event_);
    this->StartWriteAndFinish(&event_, grpc::WriteOptions(), std::move(status));
  }

  Rpc rpc_;
  const Fill fill_;
  JoinedOutput output_;
  Event event_;                               // of the write in flight
  std::shared_ptr<StreamedGeneration> self_;  // while gRPC knows it
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_GENERATION_REACTORS_H_
