// maoocr.v1.OcrService.
#ifndef MAOOCR_SERVE_GRPC_OCR_SERVICE_H_
#define MAOOCR_SERVE_GRPC_OCR_SERVICE_H_

#include <memory>

namespace grpc {
class Service;
}

namespace mao {

struct RpcEnvironment;

// The environment outlives it.
std::unique_ptr<grpc::Service> MakeOcrService(RpcEnvironment& environment);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_OCR_SERVICE_H_
