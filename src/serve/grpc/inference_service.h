// inference.GRPCInferenceService, the Open Inference Protocol.
#ifndef MAOOCR_SERVE_GRPC_INFERENCE_SERVICE_H_
#define MAOOCR_SERVE_GRPC_INFERENCE_SERVICE_H_

#include <memory>

namespace grpc {
class Service;
}

namespace mao {

struct RpcEnvironment;

// The environment outlives it.
std::unique_ptr<grpc::Service> MakeInferenceService(RpcEnvironment& environment);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_INFERENCE_SERVICE_H_
