#include "apps/serve_command.h"

#include <condition_variable>
#include <cstdlib>
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
#include "serve/backend/openai_backend.h"
#include "serve/fetch/url_fetcher.h"
#include "serve/ocr_server.h"

namespace mao {
namespace {

bool IsRemote(const ServeOptions& options) { return options.inference_engine == "vllm_openai"; }

std::string ModelName(const ServeOptions& options) {
  if (!options.model_name.empty()) return options.model_name;
  if (IsRemote(options) && !options.openai_model.empty()) return options.openai_model;
  if (options.model.empty()) return std::string(kEmbeddedModelName);
  return std::filesystem::path(options.model).lexically_normal().filename().string();
}

OcrServerConfig MakeConfig(const ServeOptions& options) {
  OcrServerConfig config;
  config.http.listeners = {
      {options.host,
       options.port,
       {Interface::kOpenAi, Interface::kRest, Interface::kWebSocket, Interface::kGraphQl}}};
  config.system.version = MAOOCR_VERSION;
  return config;
}

Result<std::shared_ptr<Backend>> OpenBackend(const ServeOptions& options) {
  if (IsRemote(options)) {
    OpenAiBackendConfig config;
    config.base_urls = options.openai_base_urls;
    config.model = options.openai_model;
    const char* const key = std::getenv("OPENAI_API_KEY");
    if (key != nullptr) config.api_key = key;
    MAO_ASSIGN_OR_RETURN(std::unique_ptr<OpenAiBackend> backend, OpenAiBackend::Create(config));
    return std::shared_ptr<Backend>(std::move(backend));
  }
  MAO_ASSIGN_OR_RETURN(
      std::unique_ptr<Engine> engine,
      OpenEngine({options.model, options.dtype, options.num_threads, options.max_num_seqs}));
  return std::shared_ptr<Backend>(std::make_shared<DirectBackend>(std::move(engine)));
}

void Load(const ServeOptions& options, const std::string& name, Service& service) {
  Result<std::shared_ptr<Backend>> backend = OpenBackend(options);
  if (!backend.ok()) {
    LogError(fmt::format("model '{}': {}", name, backend.status().message()));
    return service.SetFailed(name, backend.status());
  }
  service.SetReady(name, std::move(backend).value());
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
  Result<std::unique_ptr<OcrServer>> server =
      OcrServer::Start(MakeConfig(options), MakeUrlFetcher({}));
  if (!server.ok()) {
    Console(false).Error("", server.status().message());
    return kExitFailed;
  }
  Service& service = (*server)->service();
  const std::string name = ModelName(options);
  service.AddModel(name);
  LogInfo(fmt::format("listening on http://{}:{}", options.host, (*server)->ports().front()));
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
