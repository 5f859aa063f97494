#include "serve/server_setup.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/file.h"
#include "serve/store/key_hash.h"

namespace mao {
namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

std::chrono::milliseconds Milliseconds(double seconds) {
  constexpr double kMsPerSecond = 1000;
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * kMsPerSecond));
}

Interface ToInterface(ApiInterface interface) {
  switch (interface) {
    case ApiInterface::kOpenAi:
      return Interface::kOpenAi;
    case ApiInterface::kRest:
      return Interface::kRest;
    case ApiInterface::kWebSocket:
      return Interface::kWebSocket;
    case ApiInterface::kGraphQl:
      return Interface::kGraphQl;
    case ApiInterface::kGrpc:
      break;  // has a server of its own
  }
  return Interface::kCommon;
}

void AddListeners(const ListenerPlan& plan, OcrServerConfig& config) {
  for (const ListenerSpec& spec : plan.listeners) {
    const auto port = static_cast<uint16_t>(spec.port);
    if (spec.interfaces.front() == ApiInterface::kGrpc) {
      config.grpc = {spec.host, port};
      continue;
    }
    ListenerConfig listener = {spec.host, port, {}};
    for (const ApiInterface interface : spec.interfaces) {
      listener.interfaces.push_back(ToInterface(interface));
    }
    config.http.listeners.push_back(std::move(listener));
  }
}

// Lines of "sha256:<hex>"; empty ones and those that begin with # do not count.
Status ReadKeysFile(const std::string& path, std::vector<ApiKeyHash>& keys) {
  MAO_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (int number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    MAO_ASSIGN_OR_RETURN(const ApiKeyHash key,
                         ApiKeyHash::Parse(line, fmt::format("{}:{}", path, number)));
    keys.push_back(key);
  }
  return OkStatus();
}

Status AddKeys(const SecurityConfig& security, AdmissionConfig& admission) {
  std::vector<ApiKeyHash> hashes;
  for (const std::string& text : security.api_keys) {
    Result<ApiKeyHash> key =
        text.starts_with("sha256:") ? ApiKeyHash::Parse(text, "api_keys") : ApiKeyHash::OfKey(text);
    if (!key.ok()) return key.status().WithContext("api_keys");
    hashes.push_back(std::move(key).value());
  }
  if (!security.api_keys_file.empty()) {
    MAO_RETURN_IF_ERROR(ReadKeysFile(security.api_keys_file, hashes));
    if (hashes.empty()) {
      return InvalidArgumentError(fmt::format(
          "api_keys_file {} has no key; without it everyone may ask", security.api_keys_file));
    }
  }
  if (hashes.empty()) return OkStatus();
  MAO_ASSIGN_OR_RETURN(ApiKeyTable table, ApiKeyTable::Create(std::move(hashes)));
  auto shared = std::make_shared<const ApiKeyTable>(std::move(table));
  admission.find_key = [shared](std::string_view key) -> std::optional<std::string> {
    const std::optional<size_t> index = shared->Find(key);
    if (!index.has_value()) return std::nullopt;
    return shared->keys()[*index].Id();
  };
  return OkStatus();
}

void SetService(const ServeConfig& config, ServiceConfig& service) {
  const ServerLimits& limits = config.limits;
  service.max_queue_length = static_cast<size_t>(limits.max_queue_length);
  service.max_concurrency = static_cast<size_t>(limits.max_concurrency);
  service.request_timeout = Milliseconds(limits.request_timeout_s);
  service.image_limits.max_pixels = limits.max_image_pixels;
  service.image_limits.max_file_bytes = static_cast<size_t>(limits.max_upload_size_mb) * kMegabyte;
  service.pdf_limits.max_pixels = limits.max_image_pixels;
  service.pdf_limits.max_file_bytes = service.image_limits.max_file_bytes;
  service.pdf_limits.default_dpi = std::min(limits.pdf_dpi, limits.max_pdf_dpi);
  service.pdf_limits.max_dpi = limits.max_pdf_dpi;
  service.max_pages = limits.max_pages;
  service.result_cache.max_bytes =
      static_cast<size_t>(config.result_cache.result_cache_size_mb) * kMegabyte;
  service.result_cache.max_age =
      std::chrono::seconds(static_cast<int64_t>(config.result_cache.result_cache_max_age_s));
}

TraceSampling ToSampling(const TracingConfig& tracing) {
  const double ratio = tracing.traces_sampler_arg;
  switch (tracing.traces_sampler) {
    case TracesSampler::kAlwaysOn:
      return {false, 1};
    case TracesSampler::kAlwaysOff:
      return {false, 0};
    case TracesSampler::kRatio:
      return {false, ratio};
    case TracesSampler::kParentBasedAlwaysOff:
      return {true, 0};
    case TracesSampler::kParentBasedRatio:
      return {true, ratio};
    case TracesSampler::kParentBasedAlwaysOn:
      break;
  }
  return {true, 1};
}

std::optional<OtlpTracerConfig> ToTracing(const TracingConfig& tracing,
                                          const std::string& version) {
  OtlpTracerConfig config;
  config.url = TracesUrl(tracing);
  if (config.url.empty()) return std::nullopt;
  config.service_name = tracing.service_name;
  config.service_version = version;
  config.sampling = ToSampling(tracing);
  return config;
}

}  // namespace

Result<OcrServerConfig> MakeServerConfig(const LoadedConfig& loaded, const std::string& version) {
  const ServeConfig& config = loaded.config;
  OcrServerConfig server;
  SetService(config, server.service);
  AddListeners(loaded.listeners, server);
  server.http.tls_certificate_file = config.security.tls_cert_file;
  server.http.tls_key_file = config.security.tls_key_file;
  server.http.max_connections = static_cast<size_t>(config.limits.max_connections);
  server.http.max_body_bytes = static_cast<size_t>(config.limits.max_upload_size_mb) * kMegabyte;
  server.admission.rate_limit_per_minute = config.limits.rate_limit_per_minute;
  server.admission.cors_allow_origins = config.security.cors_allow_origins;
  MAO_RETURN_IF_ERROR(AddKeys(config.security, server.admission));
  server.store.folder = config.data_dir;
  constexpr double kMsPerSecond = 1000;
  server.store.jobs.result_ttl_ms = static_cast<int64_t>(config.job_result_ttl_s * kMsPerSecond);
  if (!config.webhooks.webhook_secret.empty()) {
    PostConfig post;
    post.rules.allowed_domains = config.webhooks.webhook_allowed_domains;
    post.allow_private_addresses = config.webhooks.webhook_allow_private;
    if (post.allow_private_addresses) post.rules.allowed_ports.clear();
    MAO_ASSIGN_OR_RETURN(server.webhooks,
                         Webhooks::Create(config.webhooks.webhook_secret, std::move(post)));
  }
  server.system.version = version;
  server.tracing = ToTracing(config.tracing, version);
  return server;
}

}  // namespace mao
