// The messages of the Open Inference Protocol (inference.proto) as those of maoocr.proto: tensors and
// parameters become fields of an OcrRequest.
#ifndef MAOOCR_SERVE_GRPC_INFER_MESSAGES_H_
#define MAOOCR_SERVE_GRPC_INFER_MESSAGES_H_

#include <string>
#include <string_view>
#include <vector>

#include <inference.pb.h>
#include <maoocr.pb.h>

#include "base/status.h"

namespace mao {

// A request, and the form that its answers take.
struct InferCall {
  maoocr::v1::OcrRequest request;
  std::string id;
  std::vector<std::string> outputs;  // names of tensors
  bool is_raw = false;               // tensors as raw bytes
  bool wants_deltas = false;         // parameter "stream": text as it comes
};

// Moves the image out of the message. Tensors: image, and if wanted prompt, mode, find_term and
// size_mode; each is BYTES and has one element, whatever its rank. Parameters are called like the
// scalar fields of OcrRequest, SamplingOptions and CallOptions; a number may come as a string, since
// KServe has no fractions. What Triton's clients add by themselves (triton_*, sequence_*) is left
// out. InvalidArgument names the tensor or parameter, NotFound the version.
Result<InferCall> ParseInferRequest(inference::ModelInferRequest& message);

// The outputs text and raw_text, or those of them that the request named; what else is in the
// answer's metadata becomes parameters.
void FillInferResponse(const maoocr::v1::OcrResponse& answer, const InferCall& call,
                       inference::ModelInferResponse& response);
// A response with the one output text_delta.
void FillInferDelta(std::string text, const InferCall& call,
                    inference::ModelInferResponse& response);

// Models have one version, "1"; none means that. NotFound for others.
Status CheckModelVersion(std::string_view version);
void FillModelMetadata(const std::string& name, const std::string& engine,
                       inference::ModelMetadataResponse& response);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_INFER_MESSAGES_H_
