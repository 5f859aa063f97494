#include "serve/rest/ocr_route.h"

#include <optional>
#include <utility>

#include "ocr/document_text.h"
#include "serve/api/error.h"
#include "serve/api/json.h"
#include "serve/api/ocr_call.h"
#include "serve/http/respond.h"
#include "serve/rest/event_stream.h"
#include "serve/rest/ocr_request_reader.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

Json ErrorJson(const Status& status) {
  const ApiError error = ToApiError(status);
  return {{"success", false},
          {"error",
           {{"message", status.message()},
            {"type", error.type},
            {"param", nullptr},
            {"code", error.code}}}};
}

HttpResponse Render(const OcrAnswer& answer, OcrFormat format) {
  switch (format) {
    case OcrFormat::kMarkdown:
      return {200, "text/markdown; charset=utf-8", answer.text, {}};
    case OcrFormat::kText: {
      const bool is_markdown = answer.mode->output == OcrOutput::kMarkdown;
      return {200,
              "text/plain; charset=utf-8",
              is_markdown ? PlainText(answer.page.blocks) : answer.text,
              {}};
    }
    case OcrFormat::kJson:
      break;
  }
  return JsonResponse(200, DumpJson(OcrAnswerToJson(answer)));
}

class OcrAnswerWriter final : public OcrObserver {
 public:
  OcrAnswerWriter(std::shared_ptr<Exchange> exchange, OcrFormat format,
                  const std::optional<StreamKind>& kind)
      : exchange_(std::move(exchange)), format_(format) {
    if (kind.has_value()) stream_.emplace(exchange_, *kind);
  }

  void OnText(std::string_view raw_text) override {
    if (stream_.has_value()) stream_->Write("text", {{"text", raw_text}});
  }

  void OnDone(const Result<OcrAnswer>& result) override {
    if (!result.ok()) return Fail(result.status());
    if (!stream_.has_value()) return exchange_->Send(Render(*result, format_));
    stream_->Write("page", OcrAnswerToJson(*result));
    stream_->Write("done", {{"success", true},
                            {"pages", 1},
                            {"usage",
                             {{"prompt_tokens", result->tokens.prompt},
                              {"completion_tokens", result->tokens.output}}}});
    stream_->End();
  }

 private:
  void Fail(const Status& status) {
    if (!stream_.has_value() || !stream_->has_begun()) return exchange_->Send(RestError(status));
    stream_->Write("error", ErrorJson(status));
    stream_->End();
  }

  const std::shared_ptr<Exchange> exchange_;
  const OcrFormat format_;
  std::optional<EventStream> stream_;
};

Status Start(Service& service, const std::shared_ptr<Exchange>& exchange) {
  MAO_ASSIGN_OR_RETURN(OcrHttpRequest request, ReadOcrRequest(exchange->request()));
  MAO_ASSIGN_OR_RETURN(
      const std::shared_ptr<OcrCall> call,
      OcrCall::Start(service, std::move(request.ocr),
                     std::make_shared<OcrAnswerWriter>(exchange, request.format, request.stream)));
  exchange->OnDisconnect([call] { call->Cancel(); });
  return OkStatus();
}

}  // namespace

HttpResponse RestError(const Status& status) {
  return ErrorResponse(status, DumpJson(ErrorJson(status)));
}

void AnswerOcr(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const std::string media_type = exchange->request().MediaType();
  if (!IsOcrMediaType(media_type)) {
    HttpResponse response = RestError(InvalidArgumentError(
        "Content-Type: '" + media_type +
        "' is not read here; send multipart/form-data, application/json, or the file as image/* or "
        "application/octet-stream"));
    constexpr int kUnsupportedMediaType = 415;
    response.status = kUnsupportedMediaType;
    return exchange->Send(std::move(response));
  }
  if (const Status status = Start(service, exchange); !status.ok()) {
    exchange->Send(RestError(status));
  }
}

}  // namespace mao
