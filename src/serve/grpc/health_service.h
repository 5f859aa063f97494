// grpc.health.v1.Health.
#ifndef MAOOCR_SERVE_GRPC_HEALTH_SERVICE_H_
#define MAOOCR_SERVE_GRPC_HEALTH_SERVICE_H_

#include <memory>

namespace grpc {
class Service;
}

namespace mao {

struct RpcEnvironment;

// Every service of the server, and "" for the whole, is SERVING while the server is ready (see
// NotReadyReason). The environment outlives it.
class HealthChecker {
 public:
  virtual ~HealthChecker() = default;
  virtual grpc::Service& service() = 0;
  // Tells all who watch the last state, and ends their streams.
  virtual void Stop() = 0;
};

std::unique_ptr<HealthChecker> MakeHealthChecker(RpcEnvironment& environment);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_HEALTH_SERVICE_H_
