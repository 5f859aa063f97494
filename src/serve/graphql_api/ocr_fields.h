// The schema's OcrInput and OcrResult, and the service's own.
#ifndef MAOOCR_SERVE_GRAPHQL_API_OCR_FIELDS_H_
#define MAOOCR_SERVE_GRAPHQL_API_OCR_FIELDS_H_

#include <nlohmann/json.hpp>

namespace mao {

// The fields of POST /api/ocr (ParseOcrFields) that an OcrInput means; bypassCache is none of them.
nlohmann::json ToOcrFields(const nlohmann::ordered_json& input);

// An OcrResult of what OcrDocumentToJson gives.
nlohmann::ordered_json ToOcrResult(const nlohmann::ordered_json& document);
// An OcrPage of what OcrPageToJson gives.
nlohmann::ordered_json ToOcrPage(const nlohmann::ordered_json& page);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_OCR_FIELDS_H_
