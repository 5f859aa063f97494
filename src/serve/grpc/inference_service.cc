#include "serve/grpc/inference_service.h"

#include <optional>

#include <inference.grpc.pb.h>

#include "serve/api/health.h"
#include "serve/grpc/call_reactors.h"
#include "serve/grpc/infer_messages.h"
#include "serve/grpc/ocr_messages.h"

namespace mao {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using inference::ModelStreamInferResponse;

constexpr std::string_view kServerLive = "/inference.GRPCInferenceService/ServerLive";
constexpr std::string_view kServerReady = "/inference.GRPCInferenceService/ServerReady";
constexpr std::string_view kModelReady = "/inference.GRPCInferenceService/ModelReady";
constexpr std::string_view kServerMetadata = "/inference.GRPCInferenceService/ServerMetadata";
constexpr std::string_view kModelMetadata = "/inference.GRPCInferenceService/ModelMetadata";
constexpr std::string_view kModelInfer = "/inference.GRPCInferenceService/ModelInfer";
constexpr std::string_view kModelStreamInfer = "/inference.GRPCInferenceService/ModelStreamInfer";

// Fills `call`, whose form the answer will take.
Result<OcrRequest> ParseInfer(ModelInferRequest& message, InferCall& call) {
  MAO_ASSIGN_OR_RETURN(call, ParseInferRequest(message));
  MAO_ASSIGN_OR_RETURN(OcrRequest request, ToOcrRequest(call.request));
  request.context.operation = "infer";
  return request;
}

void Fill(const OcrAnswer& answer, const InferCall& call, ModelInferResponse& response) {
  maoocr::v1::OcrResponse ocr;
  FillResponse(answer, ocr);
  FillInferResponse(ocr, call, response);
}

// Answers the requests of a stream one by one: reads the next when the last one's answer is written.
// An error of a request is an answer; only a refusal by admission ends the stream.
class InferStream final
    : public grpc::ServerBidiReactor<ModelInferRequest, ModelStreamInferResponse>,
      public CallKind<OcrAnswer>::Observer,
      public std::enable_shared_from_this<InferStream> {
 public:
  InferStream(RpcEnvironment& environment, grpc::CallbackServerContext& context)
      : rpc_(environment, context, kModelStreamInfer) {}

  grpc::ServerBidiReactor<ModelInferRequest, ModelStreamInferResponse>* Start() {
    self_ = shared_from_this();
    if (grpc::Status refusal = rpc_.Admit(); !refusal.ok()) {
      Finish(std::move(refusal));
    } else {
      StartRead(&message_);
    }
    return this;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(rpc_.End(OkStatus()));
    const auto submit = [this]() -> Status {
      MAO_RETURN_IF_ERROR(rpc_.Hold(message_.ByteSizeLong()));
      MAO_ASSIGN_OR_RETURN(OcrRequest request, ParseInfer(message_, call_));
      return rpc_.Submit(std::move(request), shared_from_this());
    };
    const Status status = submit();
    if (!status.ok()) OnEnd(status);
  }

  void OnPiece(CallKind<OcrAnswer>::Output::Piece piece) override {
    if (!call_.wants_deltas) return;
    output_.Add(std::move(piece));
    WriteNext();
  }
  void OnEnd(const Result<OcrAnswer>& result) override {
    output_.End(result);
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    const bool was_last = std::exchange(is_last_, false);
    if (ok && was_last) return ReadNext();
    output_.Written(ok);
    if (ok) return WriteNext();
    rpc_.Cancel();
    // The last piece has gone with the client, and no other will come.
    if (was_last) return Finish(rpc_.End(CancelledError("the client has gone")));
    WriteNext();
  }
  void OnCancel() override { rpc_.Cancel(); }
  void OnDone() override {
    rpc_.Close();
    self_.reset();
  }

 private:
  using Output = CallKind<OcrAnswer>::Output;

  void ReadNext() {
    rpc_.Release();
    message_.Clear();
    call_ = {};
    output_.Written(true);
    StartRead(&message_);
  }

  void WriteNext() {
    std::optional<Output::Piece> piece = output_.Next();
    if (!piece.has_value()) return;
    response_.Clear();
    if (!piece->end.has_value()) {
      FillInferDelta(std::move(piece->text), call_, *response_.mutable_infer_response());
      return StartWrite(&response_);
    }
    is_last_ = true;
    const Result<OcrAnswer>& end = *piece->end;
    if (end.ok()) {
      Fill(*end, call_, *response_.mutable_infer_response());
    } else {
      response_.set_error_message(end.status().message());
      response_.mutable_infer_response()->set_id(call_.id);
    }
    StartWrite(&response_);
  }

  Rpc rpc_;
  ModelInferRequest message_;
  InferCall call_;
  Output output_;
  ModelStreamInferResponse response_;  // of the write in flight
  bool is_last_ = false;               // it is the last one of its request
  std::shared_ptr<InferStream> self_;  // while gRPC knows it
};

class InferenceService final : public inference::GRPCInferenceService::CallbackService {
 public:
  explicit InferenceService(RpcEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* context,
                                       const inference::ServerLiveRequest*,
                                       inference::ServerLiveResponse* response) override {
    return AnswerNow(environment_, *context, kServerLive, false, [&] {
      response->set_live(true);
      return OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* context,
                                        const inference::ServerReadyRequest*,
                                        inference::ServerReadyResponse* response) override {
    return AnswerNow(environment_, *context, kServerReady, false, [&] {
      response->set_ready(
          NotReadyReason(environment_.service, environment_.config.stall_limit).empty());
      return OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ModelReady(grpc::CallbackServerContext* context,
                                       const inference::ModelReadyRequest* request,
                                       inference::ModelReadyResponse* response) override {
    return AnswerNow(environment_, *context, kModelReady, false, [&]() -> Status {
      MAO_RETURN_IF_ERROR(CheckModelVersion(request->version()));
      const Result<ServedModel> model = environment_.service.FindModel(request->name());
      if (model.status().code() == StatusCode::kNotFound) return model.status();
      response->set_ready(model.ok() && model->backend->health().ok());
      return OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ServerMetadata(grpc::CallbackServerContext* context,
                                           const inference::ServerMetadataRequest*,
                                           inference::ServerMetadataResponse* response) override {
    return AnswerNow(environment_, *context, kServerMetadata, true, [&] {
      response->set_name("maoocr");
      response->set_version(environment_.config.version);
      return OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* context,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) override {
    return AnswerNow(environment_, *context, kModelMetadata, true, [&]() -> Status {
      MAO_RETURN_IF_ERROR(CheckModelVersion(request->version()));
      MAO_ASSIGN_OR_RETURN(const ServedModel model,
                           environment_.service.FindModel(request->name()));
      FillModelMetadata(model.name, std::string(model.backend->engine_name()), *response);
      return OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const ModelInferRequest* request,
                                       ModelInferResponse* response) override {
    const auto call = std::make_shared<InferCall>();
    const auto reactor = std::make_shared<UnaryCall<OcrAnswer>>(
        environment_, *context, kModelInfer,
        [response, call](const OcrAnswer& answer, const CallContext&) {
          call->wants_deltas = false;  // there is one response
          Fill(answer, *call, *response);
        });
    return reactor->Start(request->ByteSizeLong(),
                          [request, call] { return ParseInfer(Own(request), *call); });
  }

  grpc::ServerBidiReactor<ModelInferRequest, ModelStreamInferResponse>* ModelStreamInfer(
      grpc::CallbackServerContext* context) override {
    return std::make_shared<InferStream>(environment_, *context)->Start();
  }

 private:
  RpcEnvironment& environment_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(RpcEnvironment& environment) {
  return std::make_unique<InferenceService>(environment);
}

}  // namespace mao
