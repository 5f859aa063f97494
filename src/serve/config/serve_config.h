// What the server does, as plain values. Every default stands here; settings.cc says where each
// value may come from and what it may be.
#ifndef MAOOCR_SERVE_CONFIG_SERVE_CONFIG_H_
#define MAOOCR_SERVE_CONFIG_SERVE_CONFIG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace mao {

enum class InferenceEngine {
  kDirect,  // "vllm_direct": our own, in this process
  kOpenAi,  // "vllm_openai": servers that speak the OpenAI API
};
// "vllm_direct" or "vllm_openai".
std::string_view InferenceEngineName(InferenceEngine engine);

enum class ApiInterface { kOpenAi, kRest, kWebSocket, kGrpc, kGraphQl };

struct ApiInterfaceRow {
  ApiInterface interface;
  std::string_view name;
  std::string_view title;
  int default_port;  // when interfaces have ports of their own; see listeners.h
};
inline constexpr std::array<ApiInterfaceRow, 5> kApiInterfaces = {{
    {ApiInterface::kOpenAi, "openai", "the OpenAI API", 8000},
    {ApiInterface::kRest, "rest", "REST", 8001},
    {ApiInterface::kWebSocket, "websocket", "WebSocket", 8002},
    {ApiInterface::kGrpc, "grpc", "gRPC", 8003},
    {ApiInterface::kGraphQl, "graphql", "GraphQL", 8004},
}};

// Names are vLLM's where it has the same thing. Zero means: choose.
struct ModelConfig {
  std::string name;        // as clients call it
  std::string model_path;  // folder of a Hugging Face checkpoint; empty: the embedded model
  std::string model_type;  // empty: as its config.json says
  std::optional<InferenceEngine> inference_engine;  // not set: the server's

  int tensor_parallel_size = 1;
  double gpu_memory_utilization = 0.9;  // part of a GPU's memory, above 0 and up to 1
  int max_model_len = 0;                // tokens of prompt and answer; 0: the model's
  std::string quantization = "none";    // int8, int4; none: as the checkpoint is stored
  std::string dtype = "auto";           // auto, bfloat16, float32
  int max_num_seqs = 16;                // requests computed at once
  int max_num_batched_tokens = 2048;    // tokens of one step
  int block_size = 32;                  // tokens of a cache block, a multiple of 16
  double kv_cache_space_gib = 0;        // 0: by max_num_seqs and free memory
  bool enable_prefix_caching = true;

  // For vllm_openai; empty: see RemoteOf().
  std::string remote_model_name;
  std::vector<std::string> base_urls;
  std::string api_key;
};

// How the servers behind vllm_openai are used.
struct RemoteEngineConfig {
  std::vector<std::string> base_urls;  // "http://host:8000/v1"
  std::string api_key;
  int max_connections = 64;  // to each base URL
  int max_retries = 2;
  double health_interval_s = 10;
  double timeout_s = 600;
};

struct ApiInterfaceConfig {
  bool enabled = true;
  std::optional<std::string> host;  // not set: api_host
  std::optional<int> port;          // not set: see listeners.h; 0: any free one
};

struct ServerLimits {
  int max_upload_size_mb = 50;  // 1 MB is 1024 * 1024 bytes, here and below
  int max_queue_length = 256;   // requests that wait
  int max_concurrency = 0;      // requests worked on; 0: by max_num_seqs
  double request_timeout_s = 600;
  int rate_limit_per_minute = 0;  // requests of one API key; 0: no limit
  int max_connections = 1024;
  int64_t max_image_pixels = 100'000'000;
  int max_pages = 1000;  // of a PDF in one request
  int pdf_dpi = 144;     // unless a request says otherwise
  int max_pdf_dpi = 600;
  double drain_timeout_s = 30;  // between the first SIGTERM and the end
};

struct ResultCacheConfig {
  int result_cache_size_mb = 64;  // 0: off
  double result_cache_max_age_s = 3600;
};

// Fetching what clients name by URL.
struct UrlFetchConfig {
  bool allow_url_fetch = true;
  int url_max_size_mb = 50;
  double url_timeout_s = 10;
  // "example.org", or "*.example.org" for everything below it; empty: every public host.
  std::vector<std::string> url_allowed_domains;
};

// Telling the ends of jobs to URLs that clients give.
struct WebhookConfig {
  std::string webhook_secret;  // "whsec_…"; empty: callbacks are refused
  // "example.org", or "*.example.org" for everything below it; empty: every public host.
  std::vector<std::string> webhook_allowed_domains;
  bool webhook_allow_private = false;  // addresses of the operator's own network, and any port
};

struct SecurityConfig {
  std::vector<std::string> api_keys;  // what clients must show; empty and no file: no key is asked
  std::string api_keys_file;          // hashed keys
  std::string tls_cert_file;          // PEM; both or neither
  std::string tls_key_file;
  std::vector<std::string> cors_allow_origins;  // "*" or "https://host"; empty: off
};

struct LoggingConfig {
  LogLevel log_level = LogLevel::kInfo;
  std::string log_format = "text";  // text, json
};

// Which traces are sent, as OpenTelemetry names it; parent-based: as the caller's, if it has one.
enum class TracesSampler {
  kAlwaysOn,
  kAlwaysOff,
  kRatio,
  kParentBasedAlwaysOn,
  kParentBasedAlwaysOff,
  kParentBasedRatio,
};

struct TracingConfig {
  std::string otlp_endpoint;         // traces go to this + "/v1/traces"; see TracesUrl()
  std::string otlp_traces_endpoint;  // traces go to this as it stands
  std::string service_name = "maoocr";
  TracesSampler traces_sampler = TracesSampler::kParentBasedAlwaysOn;
  double traces_sampler_arg = 1;  // the ratio of the samplers that have one
};

struct ServeConfig {
  InferenceEngine inference_engine = InferenceEngine::kDirect;
  std::string default_model;        // the name of one of `models`
  std::vector<ModelConfig> models;  // at least one once loaded; names differ
  std::string api_host = "127.0.0.1";
  std::optional<int> api_port;  // not set: see listeners.h; 0: any free one
  int threads = 0;              // of computing; 0: all cores
  std::string data_dir;         // jobs and usage; never empty once loaded
  double job_result_ttl_s = 86400;

  RemoteEngineConfig vllm_openai;
  std::array<ApiInterfaceConfig, kApiInterfaces.size()> api_interfaces;  // as in kApiInterfaces
  ServerLimits limits;
  ResultCacheConfig result_cache;
  UrlFetchConfig url_fetch;
  WebhookConfig webhooks;
  SecurityConfig security;
  LoggingConfig logging;
  TracingConfig tracing;
};

// Null if there is none of this name.
const ModelConfig* FindModel(const ServeConfig& config, std::string_view name);

// The model's engine, or else the server's.
InferenceEngine EngineOf(const ServeConfig& config, const ModelConfig& model);

// What vllm_openai needs for a model.
struct RemoteModel {
  std::vector<std::string> base_urls;  // the model's, else those of vllm_openai
  std::string api_key;                 // of whoever the base URLs are from
  std::string model_name;  // remote_model_name, else model_path (vLLM's own rule), else the name
};
RemoteModel RemoteOf(const ServeConfig& config, const ModelConfig& model);

// 0: to be chosen.
size_t KvCacheBytes(const ModelConfig& model);

// Where traces go, as OpenTelemetry's OTLP exporter specification says; empty: nowhere.
std::string TracesUrl(const TracingConfig& tracing);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_SERVE_CONFIG_H_
