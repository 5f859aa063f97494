#include <optional>
#include <span>
#include <utility>

#include "serve/api/json.h"
#include "serve/api/ocr_document_call.h"
#include "serve/http/respond.h"
#include "serve/rest/mistral.h"
#include "vision/decode.h"

namespace mao {
namespace {

class MistralWriter final : public OcrDocumentObserver {
 public:
  MistralWriter(std::shared_ptr<Exchange> exchange, MistralRequest request, FetchUrl fetch_url,
                const ServiceConfig& config)
      : exchange_(std::move(exchange)),
        request_(std::move(request)),
        fetch_url_(std::move(fetch_url)),
        config_(config) {}

  void OnProgress(size_t num_done, size_t num_pages) override {
    exchange_->SetProgress(static_cast<int64_t>(num_done), static_cast<int64_t>(num_pages));
  }
  void OnText(int, std::string_view) override {}
  void OnPage(const OcrPage&) override {}

  void OnDone(const Result<OcrDocument>& result) override {
    const Status status = result.ok() ? Respond(*result) : result.status();
    if (!status.ok()) exchange_->Send(OpenAiError(status));
  }

 private:
  Status Respond(const OcrDocument& document) {
    nlohmann::ordered_json pages = nlohmann::ordered_json::array();
    for (const OcrPage& page : document.pages) {
      std::optional<Image> image;
      if (page.answer.ok() && request_.include_images &&
          !WantedFigures(request_, page.answer->page).empty()) {
        MAO_ASSIGN_OR_RETURN(image, document.file == nullptr
                                        ? LoadPage(page.answer->page)
                                        : document.file->Render(page.page, document.dpi));
      }
      int dpi = document.dpi;
      if (document.file != nullptr && dpi == 0) {
        MAO_ASSIGN_OR_RETURN(dpi, document.file->ChooseDpi(page.page));
      }
      MAO_ASSIGN_OR_RETURN(nlohmann::ordered_json json,
                           MistralPage(request_, page, dpi, image.has_value() ? &*image : nullptr));
      pages.push_back(std::move(json));
    }
    exchange_->Send(
        JsonResponse(200, DumpJson(MistralAnswer(request_, document, std::move(pages)))));
    return OkStatus();
  }

  // The answer does not hold the picture that was read; figures are rare enough to decode it again.
  Result<Image> LoadPage(const PageResult& page) {
    const ImageSource& source = request_.ocr.image;
    std::shared_ptr<const std::string> file = source.bytes;
    if (file == nullptr) {
      if (!fetch_url_) return InvalidArgumentError("images by URL are switched off");
      const auto deadline = std::chrono::steady_clock::now() + config_.request_timeout;
      MAO_ASSIGN_OR_RETURN(std::string bytes, fetch_url_(source.url, deadline, {}));
      file = std::make_shared<const std::string>(std::move(bytes));
    }
    MAO_ASSIGN_OR_RETURN(Image image, DecodeImage(std::as_bytes(std::span(*file)), source.name,
                                                  config_.image_limits));
    if (image.width != page.width || image.height != page.height) {
      return UnavailableError(source.name + ": the image changed while it was read");
    }
    return image;
  }

  const std::shared_ptr<Exchange> exchange_;
  const MistralRequest request_;
  const FetchUrl fetch_url_;
  const ServiceConfig& config_;
};

Status Start(Service& service, const FetchUrl& fetch_url,
             const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& http = exchange->request();
  MAO_ASSIGN_OR_RETURN(const nlohmann::json body, ParseJson(http.body));
  MAO_ASSIGN_OR_RETURN(MistralRequest request, ParseMistralRequest(body));
  OcrRequest ocr = request.ocr;
  ocr.context = http.context;
  ocr.use_result_cache = !BypassesCache(http);
  MAO_ASSIGN_OR_RETURN(
      const std::shared_ptr<OcrDocumentCall> call,
      OcrDocumentCall::Start(service, std::move(ocr),
                             std::make_shared<MistralWriter>(exchange, std::move(request),
                                                             fetch_url, service.config())));
  exchange->OnDisconnect([call] { call->Cancel(); });
  return OkStatus();
}

}  // namespace

void AnswerMistral(Service& service, const FetchUrl& fetch_url,
                   const std::shared_ptr<Exchange>& exchange) {
  if (const Status status = Start(service, fetch_url, exchange); !status.ok()) {
    exchange->Send(OpenAiError(status));
  }
}

}  // namespace mao
