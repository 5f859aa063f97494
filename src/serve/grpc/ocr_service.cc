#include "serve/grpc/ocr_service.h"

#include <maoocr.grpc.pb.h>

#include "serve/grpc/call_reactors.h"
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

Parse<OcrDocument> Parser(const v1::OcrRequest* request, const RpcEnvironment&) {
  return [request] { return ToOcrRequest(Own(request)); };
}

Parse<Generation> Parser(const v1::GenerateRequest* request, const RpcEnvironment& environment) {
  return [request, &service = environment.service] {
    return ToGenerationRequest(Own(request), service);
  };
}

void Fill(const OcrDocument& document, const CallContext&, v1::OcrResponse& response) {
  FillResponse(document, response);
  if (document.file == nullptr) return;
  for (const OcrPage& page : document.pages) FillPage(page, *response.add_pages());
}

void Fill(const Generation& answer, const CallContext& context, v1::GenerateResponse& response) {
  FillResponse(answer, context, response);
}

// The end of a stream, whose pages have come.
void FillEnd(const OcrDocument& document, const CallContext&, v1::OcrEvent& event) {
  FillResponse(document, *event.mutable_result());
}

void FillEnd(const Generation& answer, const CallContext& context, v1::GenerateEvent& event) {
  FillResponse(answer, context, *event.mutable_result());
}

void FillPiece(const CallKind<OcrDocument>::Output::Piece& piece, v1::OcrEvent& event) {
  if (!piece.mark.has_value()) {
    FillDelta(piece.text, piece.num_tokens, *event.mutable_delta());
    event.mutable_delta()->set_page(piece.page);
  } else if (piece.mark->page.has_value()) {
    FillPage(*piece.mark->page, *event.mutable_page());
  } else {
    event.mutable_progress()->set_pages_done(static_cast<int32_t>(piece.mark->num_done));
    event.mutable_progress()->set_pages_total(static_cast<int32_t>(piece.mark->num_pages));
  }
}

void FillPiece(const CallKind<Generation>::Output::Piece& piece, v1::GenerateEvent& event) {
  FillDelta(piece.text, piece.num_tokens, *event.mutable_delta());
}

template <typename Answer, typename Request, typename Response>
grpc::ServerUnaryReactor* AnswerWhole(RpcEnvironment& environment,
                                      grpc::CallbackServerContext* context, std::string_view method,
                                      const Request* request, Response* response) {
  const auto reactor = std::make_shared<UnaryCall<Answer>>(
      environment, *context, method,
      [response](const Answer& answer, const CallContext& call_context) {
        Fill(answer, call_context, *response);
      });
  return reactor->Start(request->ByteSizeLong(), Parser(request, environment));
}

template <typename Answer, typename Event, typename Request>
grpc::ServerWriteReactor<Event>* AnswerInPieces(RpcEnvironment& environment,
                                                grpc::CallbackServerContext* context,
                                                std::string_view method, const Request* request) {
  using Reactor = StreamedCall<Answer, Event>;
  const typename Reactor::Fill fill = {
      [](const typename Reactor::Piece& piece, Event& event) { FillPiece(piece, event); },
      [](const Answer& answer, const CallContext& call_context, Event& event) {
        FillEnd(answer, call_context, event);
      }};
  const auto reactor = std::make_shared<Reactor>(environment, *context, method, fill);
  return reactor->Start(request->ByteSizeLong(), Parser(request, environment));
}

class OcrService final : public v1::OcrService::CallbackService {
 public:
  explicit OcrService(RpcEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* Ocr(grpc::CallbackServerContext* context, const v1::OcrRequest* request,
                                v1::OcrResponse* response) override {
    return AnswerWhole<OcrDocument>(environment_, context, kOcr, request, response);
  }
  grpc::ServerWriteReactor<v1::OcrEvent>* OcrStream(grpc::CallbackServerContext* context,
                                                    const v1::OcrRequest* request) override {
    return AnswerInPieces<OcrDocument, v1::OcrEvent>(environment_, context, kOcrStream, request);
  }
  grpc::ServerUnaryReactor* Generate(grpc::CallbackServerContext* context,
                                     const v1::GenerateRequest* request,
                                     v1::GenerateResponse* response) override {
    return AnswerWhole<Generation>(environment_, context, kGenerate, request, response);
  }
  grpc::ServerWriteReactor<v1::GenerateEvent>* GenerateStream(
      grpc::CallbackServerContext* context, const v1::GenerateRequest* request) override {
    return AnswerInPieces<Generation, v1::GenerateEvent>(environment_, context, kGenerateStream,
                                                         request);
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
