// Between the messages of maoocr.proto and the service's own types.
#ifndef MAOOCR_SERVE_GRPC_OCR_MESSAGES_H_
#define MAOOCR_SERVE_GRPC_OCR_MESSAGES_H_

#include <maoocr.pb.h>

#include "base/status.h"
#include "serve/api/health.h"
#include "serve/api/ocr_document.h"
#include "serve/api/service.h"

namespace mao {

// What the messages ask; without context and timeout. The bytes of images are moved out of the
// request. Errors: InvalidArgument names the field; those of Service::FindModel.
Result<OcrRequest> ToOcrRequest(maoocr::v1::OcrRequest& request);
Result<GenerationRequest> ToGenerationRequest(maoocr::v1::GenerateRequest& request,
                                              const Service& service);

// Strings of the answers are valid UTF-8 whatever the model wrote: else clients could not read them.
void FillResponse(const OcrAnswer& answer, maoocr::v1::OcrResponse& response);
// Of a PDF without its pages.
void FillResponse(const OcrDocument& document, maoocr::v1::OcrResponse& response);
void FillPage(const OcrPage& page, maoocr::v1::OcrPage& message);
void FillResponse(const Generation& answer, const CallContext& context,
                  maoocr::v1::GenerateResponse& response);
void FillDelta(const std::string& text, int32_t num_tokens, maoocr::v1::TextDelta& delta);

void FillModels(const Service& service, maoocr::v1::ListModelsResponse& response);
void FillHealth(const ServiceHealth& health, maoocr::v1::GetHealthResponse& response);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_OCR_MESSAGES_H_
