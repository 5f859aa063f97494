#include "apps/serve_command.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/core.h>
#include <fmt/format.h>

#include "apps/console.h"
#include "apps/exit_code.h"
#include "apps/interrupt.h"
#include "apps/open_model.h"
#include "base/log.h"
#include "serve/backend/direct_backend.h"
#include "serve/backend/openai_backend.h"
#include "serve/fetch/url_fetcher.h"
#include "serve/ocr_server.h"
#include "serve/server_setup.h"

namespace mao {
namespace {

// What can be set, but not done yet, is an error rather than a surprise.
Status CheckSupported(const ModelConfig& model) {
  if (model.tensor_parallel_size > 1) {
    return UnimplementedError(
        fmt::format("tensor_parallel_size is {}; only 1 is supported", model.tensor_parallel_size));
  }
  return OkStatus();
}

OpenModelOptions ModelOptions(const ServeConfig& config, const ModelConfig& model) {
  OpenModelOptions options = {model.model_path, model.dtype, model.quantization, {}};
  EngineConfig& engine = options.engine;
  engine.num_threads = static_cast<size_t>(config.threads);
  engine.max_num_seqs = static_cast<uint32_t>(model.max_num_seqs);
  engine.max_num_batched_tokens = static_cast<uint32_t>(model.max_num_batched_tokens);
  engine.max_model_len = static_cast<uint32_t>(model.max_model_len);
  engine.block_size = static_cast<uint32_t>(model.block_size);
  engine.kv_cache_bytes = KvCacheBytes(model);
  engine.enable_prefix_caching = model.enable_prefix_caching;
  return options;
}

std::chrono::milliseconds Milliseconds(double seconds) {
  constexpr double kMsPerSecond = 1000;
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * kMsPerSecond));
}

Result<std::shared_ptr<Backend>> OpenRemote(const ServeConfig& config, const ModelConfig& model) {
  const RemoteModel remote = RemoteOf(config, model);
  OpenAiBackendConfig options;
  options.base_urls = remote.base_urls;
  options.api_key = remote.api_key;
  options.model = remote.model_name;
  options.max_connections = static_cast<size_t>(config.vllm_openai.max_connections);
  options.max_retries = config.vllm_openai.max_retries;
  options.health_interval = Milliseconds(config.vllm_openai.health_interval_s);
  const std::chrono::milliseconds timeout = Milliseconds(config.vllm_openai.timeout_s);
  options.connect_timeout = std::min(options.connect_timeout, timeout);
  options.first_token_timeout = timeout;
  options.stall_timeout = std::min(options.stall_timeout, timeout);
  MAO_ASSIGN_OR_RETURN(std::unique_ptr<OpenAiBackend> backend, OpenAiBackend::Create(options));
  return std::shared_ptr<Backend>(std::move(backend));
}

Result<std::shared_ptr<Backend>> OpenBackend(const ServeConfig& config, const ModelConfig& model) {
  if (EngineOf(config, model) == InferenceEngine::kOpenAi) return OpenRemote(config, model);
  MAO_RETURN_IF_ERROR(CheckSupported(model));
  MAO_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenEngine(ModelOptions(config, model)));
  return std::shared_ptr<Backend>(std::make_shared<DirectBackend>(std::move(engine)));
}

// The default model first: it decides on the server's health.
std::vector<const ModelConfig*> ModelsInOrder(const ServeConfig& config) {
  std::vector<const ModelConfig*> models = {FindModel(config, config.default_model)};
  for (const ModelConfig& model : config.models) {
    if (&model != models.front()) models.push_back(&model);
  }
  return models;
}

void LoadModels(const ServeConfig& config, OcrServer& server) {
  for (const ModelConfig* model : ModelsInOrder(config)) {
    Result<std::shared_ptr<Backend>> backend = OpenBackend(config, *model);
    if (backend.ok()) {
      server.service().SetReady(model->name, std::move(backend).value());
      LogInfo(fmt::format("model '{}' is ready", model->name));
    } else {
      LogError(fmt::format("model '{}': {}", model->name, backend.status().message()));
      server.service().SetFailed(model->name, backend.status());
    }
  }
  server.StartJobs();
}

void LogListeners(const LoadedConfig& loaded, const OcrServer& server) {
  const char* scheme = loaded.config.security.tls_cert_file.empty() ? "http" : "https";
  size_t next_port = 0;
  for (const ListenerSpec& spec : loaded.listeners.listeners) {
    const bool is_grpc = spec.interfaces.front() == ApiInterface::kGrpc;
    ListenerSpec bound = spec;
    bound.port = is_grpc ? server.grpc_port() : server.ports()[next_port++];
    std::string names;
    for (const ApiInterface interface : spec.interfaces) {
      for (const ApiInterfaceRow& row : kApiInterfaces) {
        if (row.interface != interface) continue;
        names += (names.empty() ? "" : ", ") + std::string(row.name);
      }
    }
    LogInfo(fmt::format("listening on {}{}: {}", is_grpc ? "" : std::string(scheme) + "://",
                        ListenerAddress(bound), names));
  }
}

FetchUrl MakeFetcher(const UrlFetchConfig& config) {
  if (!config.allow_url_fetch) return nullptr;
  constexpr size_t kMegabyte = size_t{1} << 20;
  FetchConfig fetch;
  fetch.max_bytes = static_cast<size_t>(config.url_max_size_mb) * kMegabyte;
  fetch.timeout = Milliseconds(config.url_timeout_s);
  fetch.rules.allowed_domains = config.url_allowed_domains;
  return MakeUrlFetcher(fetch);
}

Status SetUpLog(const LoggingConfig& logging) {
  SetLogLevel(logging.log_level);
  MAO_ASSIGN_OR_RETURN(const LogFormat format, ParseLogFormat(logging.log_format));
  SetLogFormat(format);
  return OkStatus();
}

void WaitForStop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

Result<std::unique_ptr<OcrServer>> StartServer(const LoadedConfig& loaded) {
  MAO_RETURN_IF_ERROR(SetUpLog(loaded.config.logging));
  for (const std::string& warning : loaded.warnings) LogWarning(warning);
  for (const std::string& note : loaded.listeners.notes) LogInfo(note);
  MAO_ASSIGN_OR_RETURN(OcrServerConfig config, MakeServerConfig(loaded, MAOOCR_VERSION));
  return OcrServer::Start(std::move(config), MakeFetcher(loaded.config.url_fetch));
}

}  // namespace

int RunServe(const ServeOptions& options) {
  InterruptWatch interrupt;
  const Result<LoadedConfig> loaded = LoadConfig(options.config);
  if (!loaded.ok()) {
    Console(false).Error("", loaded.status().message());
    return kExitUsage;
  }
  const ServeConfig& config = loaded->config;
  Result<std::unique_ptr<OcrServer>> started = StartServer(*loaded);
  if (!started.ok()) {
    Console(false).Error("", started.status().message());
    return kExitFailed;
  }
  OcrServer& server = **started;
  for (const ModelConfig* model : ModelsInOrder(config)) server.service().AddModel(model->name);
  LogListeners(*loaded, server);
  // The server answers /health while the models are being loaded.
  std::thread loading([&] { LoadModels(config, server); });
  interrupt.BeginGraceful();
  WaitForStop(interrupt.token());
  LogInfo("stopping; a second signal stops at once");
  loading.join();
  if (!server.Drain(Milliseconds(config.limits.drain_timeout_s))) {
    LogWarning("not all answers were finished in time; they are cancelled");
  }
  return kExitOk;
}

}  // namespace mao
