#include "serve/grpc/ocr_service.h"

#include <maoocr.grpc.pb.h>

#include "serve/grpc/generation_reactors.h"
#include "serve/grpc/ocr_messages.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;

constexpr std::string_view kOcr = "/maoocr.v1.OcrService/Ocr";
constexpr std::string_view kOcrStream = "/maoocr.v1.OcrService/OcrStream";
constexpr std::string_view kGenerate = "/maoocr.v1.OcrService/Generate";
constexpr std::string_view kGenerateStream = "/maoocr.v1.OcrService/GenerateStream";
constexpr std::string_view kListModels = "/maoocr.v1.OcrService/ListModels";
constexpr std::string_view kGetHealth = "/maoocr.v1.OcrService/GetHealth";

template <typename Request>
ParseGeneration Parser(const Request* request, const RpcEnvironment& environment) {
  return [request, &service = environment.service] {
    return ToGenerationRequest(Own(request), service);
  };
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(RpcEnvironment& environment, grpc::CallbackServerContext* context,
                                 std::string_view method, const Request* request,
                                 Response* response) {
  const auto reactor = std::make_shared<UnaryGeneration>(
      environment, *context, method,
      [response](const Generation& answer, const CallContext& call_context) {
        FillResponse(answer, call_context, *response);
      });
  return reactor->Start(request->ByteSizeLong(), Parser(request, environment));
}

template <typename Event, typename Request>
grpc::ServerWriteReactor<Event>* Stream(RpcEnvironment& environment,
                                        grpc::CallbackServerContext* context,
                                        std::string_view method, const Request* request) {
  const typename StreamedGeneration<Event>::Fill fill = {
      [](const JoinedOutput::Piece& piece, Event& event) {
        FillDelta(piece.text, piece.num_tokens, *event.mutable_delta());
      },
      [](const Generation& answer, const CallContext& call_context, Event& event) {
        FillResponse(answer, call_context, *event.mutable_result());
      }};
  const auto reactor =
      std::make_shared<StreamedGeneration<Event>>(environment, *context, method, fill);
  return reactor->Start(request->ByteSizeLong(), Parser(request, environment));
}

class OcrService final : public v1::OcrService::CallbackService {
 public:
  explicit OcrService(RpcEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* Ocr(grpc::CallbackServerContext* context, const v1::OcrRequest* request,
                                v1::OcrResponse* response) override {
    return Answer(environment_, context, kOcr, request, response);
  }
  grpc::ServerWriteReactor<v1::OcrEvent>* OcrStream(grpc::CallbackServerContext* context,
                                                    const v1::OcrRequest* request) override {
    return Stream<v1::OcrEvent>(environment_, context, kOcrStream, request);
  }
  grpc::ServerUnaryReactor* Generate(grpc::CallbackServerContext* context,
                                     const v1::GenerateRequest* request,
                                     v1::GenerateResponse* response) override {
    return Answer(environment_, context, kGenerate, request, response);
  }
  grpc::ServerWriteReactor<v1::GenerateEvent>* GenerateStream(
      grpc::CallbackServerContext* context, const v1::GenerateRequest* request) override {
    return Stream<v1::GenerateEvent>(environment_, context, kGenerateStream, request);
  }
  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest*,
                                       v1::ListModelsResponse* response) override {
    return AnswerNow(environment_, *context, kListModels, true, [&] {
      FillModels(environment_.service, *response);
      return OkStatus();
    });
  }
  grpc::ServerUnaryReactor* GetHealth(grpc::CallbackServerContext* context,
                                      const v1::GetHealthRequest*,
                                      v1::GetHealthResponse* response) override {
    return AnswerNow(environment_, *context, kGetHealth, false, [&] {
      FillHealth(CheckHealth(environment_.service), *response);
      return OkStatus();
    });
  }

 private:
  RpcEnvironment& environment_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOcrService(RpcEnvironment& environment) {
  return std::make_unique<OcrService>(environment);
}

}  // namespace mao
