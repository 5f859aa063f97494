#include "serve/rest/ocr_route.h"

#include <optional>
#include <utility>

#include "ocr/document_text.h"
#include "serve/api/json.h"
#include "serve/api/ocr_document_call.h"
#include "serve/http/respond.h"
#include "serve/rest/event_stream.h"
#include "serve/rest/ocr_request_reader.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

std::string PlainTextOf(const OcrAnswer& answer) {
  const bool is_markdown = answer.mode->output == OcrOutput::kMarkdown;
  return is_markdown ? PlainText(answer.page.blocks) : answer.text;
}

// A picture's own, or that of every page with a separator after it.
template <typename TextOf>
std::string TextOfAll(const OcrDocument& document, TextOf text_of) {
  if (document.file == nullptr) return text_of(*document.pages.front().answer);
  return JoinOcrPages(document, text_of);
}

HttpResponse Render(const OcrDocument& document, OcrFormat format) {
  switch (format) {
    case OcrFormat::kMarkdown:
      return {200,
              "text/markdown; charset=utf-8",
              TextOfAll(document, [](const OcrAnswer& answer) { return answer.text; }),
              {}};
    case OcrFormat::kText:
      return {200, "text/plain; charset=utf-8", TextOfAll(document, PlainTextOf), {}};
    case OcrFormat::kJson:
      break;
  }
  return JsonResponse(200, DumpJson(OcrDocumentToJson(document)));
}

class OcrAnswerWriter final : public OcrDocumentObserver {
 public:
  OcrAnswerWriter(std::shared_ptr<Exchange> exchange, OcrFormat format,
                  const std::optional<StreamKind>& kind)
      : exchange_(std::move(exchange)), format_(format) {
    if (kind.has_value()) stream_.emplace(exchange_, *kind);
  }

  void OnDocument(size_t num_pages) override {
    is_document_ = true;
    OnProgress(0, num_pages);
  }

  void OnProgress(size_t num_done, size_t num_pages) override {
    exchange_->SetProgress(static_cast<int64_t>(num_done), static_cast<int64_t>(num_pages));
    if (stream_.has_value()) {
      stream_->Write("progress", {{"pages_done", num_done}, {"pages_total", num_pages}});
    }
  }

  void OnText(int page, std::string_view raw_text) override {
    if (!stream_.has_value()) return;
    Json text = {{"text", raw_text}};
    if (is_document_) text["page"] = page + 1;
    stream_->Write("text", text);
  }

  void OnPage(const OcrPage& page) override {
    if (stream_.has_value()) stream_->Write("page", OcrPageToJson(page));
  }

  void OnDone(const Result<OcrDocument>& result) override {
    if (!result.ok()) return Fail(result.status());
    if (!stream_.has_value()) return exchange_->Send(Render(*result, format_));
    if (!is_document_) stream_->Write("page", OcrDocumentToJson(*result));
    PageTokens tokens;
    for (const OcrPage& page : result->pages) {
      if (!page.answer.ok()) continue;
      tokens.prompt += page.answer->tokens.prompt;
      tokens.output += page.answer->tokens.output;
    }
    stream_->Write(
        "done",
        {{"success", true},
         {"pages", result->pages.size()},
         {"usage", {{"prompt_tokens", tokens.prompt}, {"completion_tokens", tokens.output}}}});
    stream_->End();
  }

 private:
  void Fail(const Status& status) {
    if (!stream_.has_value() || !stream_->has_begun()) return exchange_->Send(RestError(status));
    stream_->Write("error", OcrErrorJson(status));
    stream_->End();
  }

  const std::shared_ptr<Exchange> exchange_;
  const OcrFormat format_;
  std::optional<EventStream> stream_;
  bool is_document_ = false;
};

Status Start(Service& service, const std::shared_ptr<Exchange>& exchange) {
  MAO_ASSIGN_OR_RETURN(OcrHttpRequest request, ReadOcrRequest(exchange->request()));
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<OcrDocumentCall> call,
                       OcrDocumentCall::Start(service, std::move(request.ocr),
                                              std::make_shared<OcrAnswerWriter>(
                                                  exchange, request.format, request.stream)));
  exchange->OnDisconnect([call] { call->Cancel(); });
  return OkStatus();
}

}  // namespace

HttpResponse RestError(const Status& status) {
  return ErrorResponse(status, DumpJson(OcrErrorJson(status)));
}

void AnswerOcr(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const std::string media_type = exchange->request().MediaType();
  if (!IsOcrMediaType(media_type)) {
    HttpResponse response = RestError(InvalidArgumentError(
        "Content-Type: '" + media_type +
        "' is not read here; send multipart/form-data, application/json, or the file as image/*, "
        "application/pdf or application/octet-stream"));
    constexpr int kUnsupportedMediaType = 415;
    response.status = kUnsupportedMediaType;
    return exchange->Send(std::move(response));
  }
  if (const Status status = Start(service, exchange); !status.ok()) {
    exchange->Send(RestError(status));
  }
}

}  // namespace mao
