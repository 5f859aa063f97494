// POST /api/ocr: from an HTTP request to an OcrRequest.
#ifndef MAOOCR_SERVE_REST_OCR_REQUEST_READER_H_
#define MAOOCR_SERVE_REST_OCR_REQUEST_READER_H_

#include <optional>

#include "base/status.h"
#include "serve/api/ocr_request.h"
#include "serve/http/message.h"
#include "serve/rest/event_stream.h"

namespace mao {

enum class OcrFormat { kJson, kMarkdown, kText };

struct OcrHttpRequest {
  OcrRequest ocr;
  OcrFormat format = OcrFormat::kJson;
  std::optional<StreamKind> stream;
};

// Whether the body of a request may have this type.
bool IsOcrMediaType(std::string_view media_type);

// Takes multipart/form-data with the file as `image` or `file`; a file alone (image/*,
// application/octet-stream); or a JSON object. Fields may also stand in the query, where the body
// says nothing else. InvalidArgument and OutOfRange name what is wrong.
Result<OcrHttpRequest> ReadOcrRequest(const HttpRequest& http);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_OCR_REQUEST_READER_H_
