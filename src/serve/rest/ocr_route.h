// POST /api/ocr: a page in one of the OCR modes.
#ifndef MAOOCR_SERVE_REST_OCR_ROUTE_H_
#define MAOOCR_SERVE_REST_OCR_ROUTE_H_

#include <memory>

#include "serve/api/service.h"
#include "serve/http/exchange.h"

namespace mao {

// {"success": false, "error": {"message", "type", "param", "code"}}
HttpResponse RestError(const Status& status);

// Answers now, with an error, or later. docs/rest_api.md describes request and answers.
void AnswerOcr(Service& service, const std::shared_ptr<Exchange>& exchange);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_OCR_ROUTE_H_
