#include "serve/grpc/grpc_server.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>

#include "base/file.h"
#include "base/log.h"
#include "serve/grpc/health_service.h"
#include "serve/grpc/inference_service.h"
#include "serve/grpc/ocr_service.h"
#include "serve/grpc/rpc.h"

namespace mao {
namespace {

constexpr size_t kMaxPemBytes = size_t{1} << 20;
// What a message may have beside its image.
constexpr size_t kMessageFrameBytes = size_t{64} << 10;
constexpr int kHandshakeTimeoutMs = 10'000;
// A client that vanished without a word is noticed after this and a timeout of 20 s.
constexpr int kKeepAliveMs = 30'000;
constexpr int kMaxIdleMs = 300'000;
constexpr int kMinClientPingMs = 5'000;
// Reflection is the one service that takes a thread for each of its streams.
constexpr int kMaxReflectionThreads = 16;
// From the end of the last RPC of ours to the end of connections with others (reflection).
constexpr std::chrono::milliseconds kCloseTime{200};

// Why a server does not start, gRPC only writes into its log. Later its errors are those of strangers
// (handshakes, broken frames), who must not fill ours.
thread_local bool is_starting = false;

void LogOfGrpc(gpr_log_func_args* args) {
  const bool matters = is_starting && args->severity == GPR_LOG_SEVERITY_ERROR;
  Log(matters ? LogLevel::kWarning : LogLevel::kDebug, fmt::format("grpc: {}", args->message));
}

Result<std::string> ReadPem(const std::string& path, std::string_view what) {
  Result<std::string> pem = ReadFile(path, kMaxPemBytes);
  if (!pem.ok()) return pem.status().WithContext(what);
  return pem;
}

Result<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(const GrpcServerConfig& config) {
  if (config.tls_certificate_file.empty()) return grpc::InsecureServerCredentials();
  MAO_ASSIGN_OR_RETURN(std::string key, ReadPem(config.tls_key_file, "TLS key"));
  MAO_ASSIGN_OR_RETURN(std::string certificate,
                       ReadPem(config.tls_certificate_file, "TLS certificate"));
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

std::string AddressOf(const GrpcServerConfig& config) {
  const bool is_ipv6 = config.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", config.host, config.port)
                 : fmt::format("{}:{}", config.host, config.port);
}

void SetLimits(const GrpcServerConfig& config, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<size_t>(config.max_upload_bytes + kMessageFrameBytes, INT32_MAX)));
  grpc::ResourceQuota quota("maoocr");
  quota.Resize(config.max_messages_bytes).SetMaxThreads(kMaxReflectionThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  // A small compressed message may be a large one when it is read, and images are compressed.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // Two servers would share the port silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, config.max_streams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
}

}  // namespace

class GrpcServer::Core {
 public:
  Core(GrpcServerConfig config, Service& service, Admit admit, OnRpc on_rpc)
      : config_(std::move(config)),
        admit_(std::move(admit)),
        on_rpc_(std::move(on_rpc)),
        environment_{config_, service, admit_, on_rpc_},
        ocr_(MakeOcrService(environment_)),
        inference_(MakeInferenceService(environment_)),
        health_(MakeHealthChecker(environment_)) {}
  ~Core() { Close(std::chrono::milliseconds(0)); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Status Start() {
    gpr_set_log_function(LogOfGrpc);
    MAO_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                         MakeCredentials(config_));
    // Before the builder, which asks for plugins; the linker would drop it unnamed.
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    SetLimits(config_, builder);
    const std::string address = AddressOf(config_);
    int port = 0;
    builder.AddListeningPort(address, credentials, &port);
    for (grpc::Service* service : {ocr_.get(), inference_.get(), &health_->service()}) {
      builder.RegisterService(service);
    }
    is_starting = true;
    server_ = builder.BuildAndStart();
    is_starting = false;
    if (server_ == nullptr || port == 0) {
      return UnavailableError(fmt::format(
          "cannot listen on {} for gRPC: {}", address,
          config_.tls_certificate_file.empty()
              ? "the address is not there or in use"
              : "the address is not there or in use, or the TLS certificate and key do not fit"));
    }
    port_ = static_cast<uint16_t>(port);
    return OkStatus();
  }

  uint16_t port() const { return port_; }

  bool Drain(std::chrono::milliseconds timeout) {
    constexpr std::chrono::milliseconds kInterval{10};
    const auto end = std::chrono::steady_clock::now() + timeout;
    health_->Stop();
    while (environment_.num_active > 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(kInterval);
    }
    const bool is_done = environment_.num_active == 0;
    Close(is_done ? kCloseTime : std::chrono::milliseconds(0));
    return is_done;
  }

 private:
  void Close(std::chrono::milliseconds time) {
    health_->Stop();
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + time);
    server_->Wait();
    server_.reset();
  }

  const GrpcServerConfig config_;
  const Admit admit_;
  const OnRpc on_rpc_;
  RpcEnvironment environment_;
  const std::unique_ptr<grpc::Service> ocr_;
  const std::unique_ptr<grpc::Service> inference_;
  const std::unique_ptr<HealthChecker> health_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
GrpcServer::~GrpcServer() = default;

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerConfig& config,
                                                      Service& service, Admit admit, OnRpc on_rpc) {
  auto core = std::make_unique<Core>(config, service, std::move(admit), std::move(on_rpc));
  MAO_RETURN_IF_ERROR(core->Start());
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(core)));
}

uint16_t GrpcServer::port() const { return core_->port(); }
bool GrpcServer::Drain(std::chrono::milliseconds timeout) { return core_->Drain(timeout); }

}  // namespace mao
