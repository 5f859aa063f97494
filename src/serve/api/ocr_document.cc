#include "serve/api/ocr_document.h"

#include <algorithm>

#include "serve/api/error.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

Json Metadata(const OcrDocument& document) {
  PageTokens tokens;
  int num_failed = 0;
  const OcrAnswer* first = nullptr;
  for (const OcrPage& page : document.pages) {
    if (!page.answer.ok()) {
      ++num_failed;
      continue;
    }
    if (first == nullptr) first = &*page.answer;
    tokens.prompt += page.answer->tokens.prompt;
    tokens.image += page.answer->tokens.image;
    tokens.output += page.answer->tokens.output;
  }
  Json metadata = {{"pages_total", document.file->num_pages()},
                   {"pages_read", document.pages.size() - static_cast<size_t>(num_failed)},
                   {"pages_failed", num_failed},
                   {"dpi", document.dpi == 0 ? Json() : Json(document.dpi)}};
  if (first != nullptr) {
    metadata["mode"] = first->mode->name;
    metadata["grounding"] = first->grounding;
    metadata["model"] = first->model;
    metadata["inference_engine"] = first->engine;
    if (!first->ignored.empty()) metadata["ignored"] = first->ignored;
  }
  metadata["tokens"] = {
      {"prompt", tokens.prompt}, {"image", tokens.image}, {"output", tokens.output}};
  metadata["request_id"] = document.request_id;
  return metadata;
}

}  // namespace

Json OcrErrorJson(const Status& status) {
  const ApiError error = ToApiError(status);
  return {{"success", false},
          {"error",
           {{"message", status.message()},
            {"type", error.type},
            {"param", nullptr},
            {"code", error.code}}}};
}

Json OcrPageToJson(const OcrPage& page) {
  Json json = {{"page", page.page + 1}};
  json.update(page.answer.ok() ? OcrAnswerToJson(*page.answer)
                               : OcrErrorJson(page.answer.status()));
  return json;
}

Json OcrDocumentToJson(const OcrDocument& document) {
  if (document.file == nullptr) return OcrAnswerToJson(*document.pages.front().answer);
  Json pages = Json::array();
  for (const OcrPage& page : document.pages) pages.push_back(OcrPageToJson(page));
  return {{"success", true},
          {"text", JoinOcrPages(document, [](const OcrAnswer& answer) { return answer.text; })},
          {"raw_text",
           JoinOcrPages(document, [](const OcrAnswer& answer) { return answer.page.raw_text; })},
          {"pages", std::move(pages)},
          {"metadata", Metadata(document)}};
}

}  // namespace mao
