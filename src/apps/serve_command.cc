#include "apps/serve_command.h"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include <fmt/core.h>

#include "apps/console.h"
#include "apps/embedded_model.h"
#include "apps/exit_code.h"
#include "apps/interrupt.h"
#include "apps/open_model.h"
#include "base/log.h"
#include "serve/backend/direct_backend.h"
#include "serve/ocr_server.h"

namespace mao {
namespace {

std::string ModelName(const ServeOptions& options) {
  if (!options.model_name.empty()) return options.model_name;
  if (options.model.empty()) return std::string(kEmbeddedModelName);
  return std::filesystem::path(options.model).lexically_normal().filename().string();
}

OcrServerConfig MakeConfig(const ServeOptions& options) {
  OcrServerConfig config;
  config.http.listeners = {
      {options.host,
       options.port,
       {Interface::kOpenAi, Interface::kRest, Interface::kWebSocket, Interface::kGraphQl}}};
  if (options.grpc_port.has_value()) config.grpc = {options.host, *options.grpc_port};
  config.system.version = MAOOCR_VERSION;
  return config;
}

void Load(const ServeOptions& options, const std::string& name, Service& service) {
  Result<std::unique_ptr<Engine>> engine =
      OpenEngine({options.model, options.dtype, options.num_threads, options.max_num_seqs});
  if (!engine.ok()) {
    LogError(fmt::format("model '{}': {}", name, engine.status().message()));
    return service.SetFailed(name, engine.status());
  }
  service.SetReady(name, std::make_shared<DirectBackend>(std::move(engine).value()));
  LogInfo(fmt::format("model '{}' is ready", name));
}

void WaitForStop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

}  // namespace

int RunServe(const ServeOptions& options) {
  InterruptWatch interrupt;
  SetLogLevel(LogLevel::kInfo);
  Result<std::unique_ptr<OcrServer>> server = OcrServer::Start(MakeConfig(options), nullptr);
  if (!server.ok()) {
    Console(false).Error("", server.status().message());
    return kExitFailed;
  }
  Service& service = (*server)->service();
  const std::string name = ModelName(options);
  service.AddModel(name);
  LogInfo(fmt::format("listening on http://{}:{}", options.host, (*server)->ports().front()));
  if (options.grpc_port.has_value()) {
    LogInfo(fmt::format("gRPC on {}:{}", options.host, (*server)->grpc_port()));
  }
  // The server answers /health while the model is being loaded.
  std::thread loading([&] { Load(options, name, service); });
  interrupt.BeginGraceful();
  WaitForStop(interrupt.token());
  LogInfo("stopping; a second signal stops at once");
  loading.join();
  const bool drained = (*server)->Drain(std::chrono::seconds(options.drain_timeout_s));
  if (!drained) LogWarning("not all answers were finished in time; they are cancelled");
  return kExitOk;
}

}  // namespace mao
