// POST /v1/ocr in the shape of Mistral's OCR API.
#ifndef MAOOCR_SERVE_REST_MISTRAL_H_
#define MAOOCR_SERVE_REST_MISTRAL_H_

#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "serve/api/ocr_document.h"
#include "serve/api/service.h"
#include "serve/http/exchange.h"

namespace mao {

enum class MistralTables { kInline, kMarkdown, kHtml };

struct MistralRequest {
  OcrRequest ocr;
  bool include_images = false;
  std::optional<int> image_limit;  // figures of a page that are returned
  int image_min_size = 0;          // least width and height of such, in pixels
  MistralTables tables = MistralTables::kInline;
};

// `document` holds an image or a PDF as data: URI or address, whether it is called document_url or
// image_url.
// InvalidArgument names the field; Unimplemented: files, annotations.
Result<MistralRequest> ParseMistralRequest(const nlohmann::json& body);

// The figures of a page that the request wants.
std::vector<PageFigure> WantedFigures(const MistralRequest& request, const PageResult& page);

// What stands in `pages` for one page. `page_image` is null when no images are to be in the answer.
Result<nlohmann::ordered_json> MistralPage(const MistralRequest& request, const OcrPage& page,
                                           int dpi, const Image* page_image);

// `pages` are those of MistralPage.
nlohmann::ordered_json MistralAnswer(const MistralRequest& request, const OcrDocument& document,
                                     nlohmann::ordered_json pages);

// Answers now, with an error, or later. `fetch_url` may be empty: see Service.
void AnswerMistral(Service& service, const FetchUrl& fetch_url,
                   const std::shared_ptr<Exchange>& exchange);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_MISTRAL_H_
