// What an RPC is beside its messages: who calls, until when, its call of the service, how it ended.
#ifndef MAOOCR_SERVE_GRPC_RPC_H_
#define MAOOCR_SERVE_GRPC_RPC_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "serve/api/ocr_document_call.h"
#include "serve/api/service.h"
#include "serve/grpc/grpc_server.h"

namespace mao {

// The same error for a client of gRPC. An image that cannot be read (DataLoss) is an invalid
// argument: the loss is not the server's.
grpc::Status ToGrpcStatus(const Status& status);

// Of a server, shared by all its RPCs.
struct RpcEnvironment {
  const GrpcServerConfig& config;
  Service& service;
  const Admit& admit;
  const OnRpc& on_rpc;
  std::atomic<size_t> held_bytes = 0;  // of messages that are being answered
  std::atomic<size_t> num_active = 0;
};

class Rpc {
 public:
  // `method` is a literal. The context outlives Close.
  Rpc(RpcEnvironment& environment, grpc::CallbackServerContext& context, std::string_view method);

  // What an HTTP request with these headers passes: names the call, checks key and rate.
  grpc::Status Admit(bool needs_key = true);
  // Unavailable if the messages of all RPCs take too much memory together. Until Release or End.
  Status Hold(size_t message_bytes);
  void Release();
  // With the context of Admit, and the client's deadline as timeout.
  Status Submit(GenerationRequest request, std::shared_ptr<CallObserver> observer);
  Status Submit(OcrRequest request, std::shared_ptr<OcrObserver> observer);
  Status Submit(OcrRequest request, std::shared_ptr<OcrDocumentObserver> observer);
  // Ends a call that was submitted, or will be.
  void Cancel();
  // What the client is told at the end.
  grpc::Status End(const Status& status);
  // Once, when gRPC is through with it: environment and context are not touched afterwards.
  void Close();

  const CallContext& call_context() const { return call_context_; }
  Service& service() const { return environment_.service; }

 private:
  using Clock = std::chrono::steady_clock;

  RpcEnvironment& environment_;
  grpc::CallbackServerContext& context_;
  const std::string_view method_;
  const Clock::time_point start_ = Clock::now();
  CallContext call_context_;
  StatusCode end_ = StatusCode::kOk;
  bool was_refused_ = false;
  size_t held_bytes_ = 0;

  template <typename Request>
  void SetContext(Request& request) const;
  template <typename StartedCall>
  Status Keep(Result<std::shared_ptr<StartedCall>> call);
  void SetCancel(std::function<void()> cancel);

  std::mutex mutex_;
  std::function<void()> cancel_;  // ends the call that was submitted
  bool cancelled_ = false;
};

// An RPC that is answered at once. `fill` writes the response.
grpc::ServerUnaryReactor* AnswerNow(RpcEnvironment& environment,
                                    grpc::CallbackServerContext& context, std::string_view method,
                                    bool needs_key, const std::function<Status()>& fill);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_RPC_H_
