// The gRPC interface: maoocr.v1.OcrService, inference.GRPCInferenceService (KServe v2),
// grpc.health.v1.Health and reflection over the one service. docs/grpc.md describes it.
#ifndef MAOOCR_SERVE_GRPC_GRPC_SERVER_H_
#define MAOOCR_SERVE_GRPC_GRPC_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/api/service.h"
#include "serve/http/server.h"

namespace mao {

struct GrpcServerConfig {
  std::string host = "127.0.0.1";
  uint16_t port = 8003;              // 0: any free one
  std::string tls_certificate_file;  // PEM, with its chain; empty: no TLS
  std::string tls_key_file;
  size_t max_upload_bytes = size_t{50} << 20;      // of a message, but for some KiB around an image
  size_t max_messages_bytes = size_t{1} << 30;     // of all that are being read or answered
  int max_streams = 256;                           // RPCs at once on one connection
  std::chrono::milliseconds stall_limit{120'000};  // see NotReadyReason
  std::string version;                             // of the program
};

// A finished RPC, for the access log.
struct RpcRecord {
  std::string_view method;  // "/maoocr.v1.OcrService/Ocr"
  std::string_view status;  // "OK", "NOT_FOUND", ...
  const CallContext& context;
  double ms;
};
using OnRpc = std::function<void(const RpcRecord&)>;

class GrpcServer {
 public:
  // Listens from here on. `admit` is that of the HTTP server: it gets what gRPC has of it as headers
  // (authorization, x-api-key, x-request-id, traceparent, tracestate), the method as path, and a
  // route that needs a key. Errors name the address or the file. The service outlives the server.
  static Result<std::unique_ptr<GrpcServer>> Start(const GrpcServerConfig& config, Service& service,
                                                   Admit admit, OnRpc on_rpc);
  // Cancels what still runs and waits for its end.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  uint16_t port() const;
  // After Service::Drain, which refuses new calls and turns health to NOT_SERVING: waits for the
  // answers of those that run, then closes all connections. False: the time was not enough, and the
  // rest was cancelled.
  bool Drain(std::chrono::milliseconds timeout);

 private:
  class Core;
  explicit GrpcServer(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_GRPC_SERVER_H_
