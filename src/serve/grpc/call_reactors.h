// RPCs that are calls of the service: whole, and as a stream. A reactor observes its call. It lives
// until gRPC is through with it and the service has let go of it, whichever is later; it finishes
// the RPC only when the call has ended, so a cancelled one has freed what it held by then.
#ifndef MAOOCR_SERVE_GRPC_CALL_REACTORS_H_
#define MAOOCR_SERVE_GRPC_CALL_REACTORS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
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

// A kind of calls by its answer: what is asked, and an observer that hears all kinds alike.
template <typename Answer>
struct CallKind;

template <>
struct CallKind<Generation> {
  using Request = GenerationRequest;
  using Output = JoinedOutput<Generation>;
  class Observer : public CallObserver {
   public:
    void OnOutput(const GenerationOutput& output) final {
      OnPiece({output.text, static_cast<int32_t>(output.token_ids.size())});
    }
    void OnDone(const Result<Generation>& result) final { OnEnd(result); }
    virtual void OnPiece(Output::Piece piece) = 0;
    virtual void OnEnd(const Result<Generation>& result) = 0;
  };
};

// A file of one page; of more it is refused.
template <>
struct CallKind<OcrAnswer> {
  using Request = OcrRequest;
  using Output = JoinedOutput<OcrAnswer>;
  class Observer : public OcrObserver {
   public:
    void OnText(std::string_view raw_text) final { OnPiece({std::string(raw_text)}); }
    void OnDone(const Result<OcrAnswer>& result) final { OnEnd(result); }
    virtual void OnPiece(Output::Piece piece) = 0;
    virtual void OnEnd(const Result<OcrAnswer>& result) = 0;
  };
};

// What a PDF tells between the texts of its pages: that one has ended, or else how many are done.
struct OcrMark {
  std::optional<OcrPage> page;
  size_t num_done = 0;
  size_t num_pages = 0;
};

// A file of any number of pages.
template <>
struct CallKind<OcrDocument> {
  using Request = OcrRequest;
  using Output = JoinedOutput<OcrDocument, OcrMark>;
  class Observer : public OcrDocumentObserver {
   public:
    void OnDocument(size_t num_pages) final {
      is_document_ = true;
      OnProgress(0, num_pages);
    }
    void OnProgress(size_t num_done, size_t num_pages) final {
      OnPiece({.mark = OcrMark{std::nullopt, num_done, num_pages}});
    }
    void OnText(int page, std::string_view raw_text) final {
      OnPiece({.text = std::string(raw_text), .page = is_document_ ? page + 1 : 0});
    }
    void OnPage(const OcrPage& page) final { OnPiece({.mark = OcrMark{page, 0, 0}}); }
    void OnDone(const Result<OcrDocument>& result) final { OnEnd(result); }
    virtual void OnPiece(Output::Piece piece) = 0;
    virtual void OnEnd(const Result<OcrDocument>& result) = 0;

   private:
    bool is_document_ = false;
  };
};

// Reads the message into a request. May move out of the message.
template <typename Answer>
using Parse = std::function<Result<typename CallKind<Answer>::Request>()>;

// Admits the RPC and submits its call. Not ok: the RPC is to be finished with it.
template <typename Answer>
grpc::Status Begin(Rpc& rpc, size_t message_bytes, const Parse<Answer>& parse,
                   std::shared_ptr<typename CallKind<Answer>::Observer> observer) {
  if (grpc::Status refusal = rpc.Admit(); !refusal.ok()) return refusal;
  const auto submit = [&]() -> Status {
    MAO_RETURN_IF_ERROR(rpc.Hold(message_bytes));
    MAO_ASSIGN_OR_RETURN(typename CallKind<Answer>::Request request, parse());
    return rpc.Submit(std::move(request), std::move(observer));
  };
  const Status status = submit();
  return status.ok() ? grpc::Status::OK : rpc.End(status);
}

template <typename Answer>
class UnaryCall final : public grpc::ServerUnaryReactor,
                        public CallKind<Answer>::Observer,
                        public std::enable_shared_from_this<UnaryCall<Answer>> {
 public:
  // Writes the answer into the response.
  using Fill = std::function<void(const Answer&, const CallContext&)>;

  UnaryCall(RpcEnvironment& environment, grpc::CallbackServerContext& context,
            std::string_view method, Fill fill)
      : rpc_(environment, context, method), fill_(std::move(fill)) {}

  grpc::ServerUnaryReactor* Start(size_t message_bytes, const Parse<Answer>& parse) {
    self_ = this->shared_from_this();
    const grpc::Status status = Begin<Answer>(rpc_, message_bytes, parse, self_);
    if (!status.ok()) Finish(status);
    return this;
  }

  void OnPiece(typename CallKind<Answer>::Output::Piece) override {}
  void OnEnd(const Result<Answer>& result) override {
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
  std::shared_ptr<UnaryCall> self_;  // while gRPC knows it
};

template <typename Answer, typename Event>
class StreamedCall final : public grpc::ServerWriteReactor<Event>,
                           public CallKind<Answer>::Observer,
                           public std::enable_shared_from_this<StreamedCall<Answer, Event>> {
 public:
  using Piece = typename CallKind<Answer>::Output::Piece;
  struct Fill {
    void (*piece)(const Piece& piece, Event& event);
    void (*result)(const Answer& answer, const CallContext& context, Event& event);
  };

  StreamedCall(RpcEnvironment& environment, grpc::CallbackServerContext& context,
               std::string_view method, const Fill& fill)
      : rpc_(environment, context, method), fill_(fill) {}

  grpc::ServerWriteReactor<Event>* Start(size_t message_bytes, const Parse<Answer>& parse) {
    self_ = this->shared_from_this();
    const grpc::Status status = Begin<Answer>(rpc_, message_bytes, parse, self_);
    if (!status.ok()) this->Finish(status);
    return this;
  }

  void OnPiece(Piece piece) override {
    output_.Add(std::move(piece));
    WriteNext();
  }
  void OnEnd(const Result<Answer>& result) override {
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
    const std::optional<Piece> piece = output_.Next();
    if (!piece.has_value()) return;
    event_.Clear();
    if (!piece->end.has_value()) {
      fill_.piece(*piece, event_);
      return this->StartWrite(&event_);
    }
    const Result<Answer>& end = *piece->end;
    grpc::Status status = rpc_.End(end.status());
    if (!end.ok()) return this->Finish(std::move(status));
    fill_.result(*end, rpc_.call_context(), event_);
    this->StartWriteAndFinish(&event_, grpc::WriteOptions(), std::move(status));
  }

  Rpc rpc_;
  const Fill fill_;
  typename CallKind<Answer>::Output output_;
  Event event_;                         // of the write in flight
  std::shared_ptr<StreamedCall> self_;  // while gRPC knows it
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_CALL_REACTORS_H_
