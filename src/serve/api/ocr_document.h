// What reading a file of one or more pages gives.
#ifndef MAOOCR_SERVE_API_OCR_DOCUMENT_H_
#define MAOOCR_SERVE_API_OCR_DOCUMENT_H_

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/api/ocr_answer.h"
#include "vision/pdf/pdf_document.h"

namespace mao {

struct OcrPage {
  int page = 0;  // from 0, in its file
  Result<OcrAnswer> answer = InternalError("not read");
};

struct OcrDocument {
  std::shared_ptr<const PdfDocument> file;  // null: a picture, which is one page
  int dpi = 0;                              // that was asked for; 0: none
  std::string request_id;
  std::vector<OcrPage> pages;  // in their order; at least one could be read
};

// {"success": false, "error": {"message", "type", "param", "code"}}
nlohmann::ordered_json OcrErrorJson(const Status& status);

// Of a page of a PDF: {"page": from 1, and what OcrAnswerToJson or OcrErrorJson gives}.
nlohmann::ordered_json OcrPageToJson(const OcrPage& page);

// What was read on all pages, each followed by a page separator; `text_of` gives that of one.
template <typename TextOf>
std::string JoinOcrPages(const OcrDocument& document, TextOf text_of) {
  std::string text;
  for (const OcrPage& page : document.pages) {
    if (page.answer.ok()) text += text_of(*page.answer);
    text += kPageSplit;
  }
  return text;
}

// A picture: OcrAnswerToJson. A PDF: {success, text, raw_text, pages, metadata}, as described in
// docs/rest_api.md.
nlohmann::ordered_json OcrDocumentToJson(const OcrDocument& document);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_DOCUMENT_H_
