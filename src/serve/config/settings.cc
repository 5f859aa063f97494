#include <algorithm>

#include "serve/config/setting.h"
#include "serve/config/setting_types.h"

namespace mao {
namespace setting_types {
namespace {

constexpr int64_t kMaxTokens = 1 << 20;
constexpr double kDay = 86400;
constexpr double kYear = 365 * kDay;

// A name of our own, for every setting with names at all: nothing else means it.
std::string PrefixedEnvironmentName(std::string_view name) {
  std::string result = "MAOOCR_";
  for (const char c : name) {
    result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return result;
}

std::string FlagOf(std::string_view name) {
  std::string result = "--";
  for (const char c : name) result += c == '_' ? '-' : c;
  return result;
}

// Names that other programs gave a setting.
struct Synonyms {
  std::vector<std::string> environment;  // without the prefix; after the prefixed name
  std::vector<std::string> flags;        // the first is the one shown, before the one from the name
};

class Table {
 public:
  void BeginSection(std::string section) { section_ = std::move(section); }

  // `name` is the key in the YAML file too, unless `key` is given.
  Setting& Add(std::string name, SettingType type, std::string help, Synonyms synonyms = {},
               std::string key = "") {
    Setting row;
    row.section = section_;
    row.key = key.empty() ? name : std::move(key);
    row.environment = {PrefixedEnvironmentName(name)};
    for (std::string& each : synonyms.environment) row.environment.push_back(std::move(each));
    row.flags = std::move(synonyms.flags);
    row.flags.push_back(FlagOf(name));
    row.name = std::move(name);
    row.type = std::move(type);
    row.help = std::move(help);
    rows_.push_back(std::move(row));
    return rows_.back();
  }

  // A setting that only the YAML file can give.
  Setting& AddYamlOnly(std::string name, std::string key, SettingType type, std::string help) {
    Setting& row = Add(std::move(name), std::move(type), std::move(help), {}, std::move(key));
    row.environment.clear();
    row.flags.clear();
    return row;
  }

  std::vector<Setting> Take() && { return std::move(rows_); }

 private:
  std::string section_;
  std::vector<Setting> rows_;
};

template <typename Field>
SettingType EngineChoice(Field field) {
  return Choice(field,
                std::vector<ChoiceRow<InferenceEngine>>{{"vllm_direct", InferenceEngine::kDirect},
                                                        {"direct", InferenceEngine::kDirect},
                                                        {"vllm_openai", InferenceEngine::kOpenAi}});
}

void AddServer(Table& table) {
  table.BeginSection("");
  table.Add("inference_engine", EngineChoice(ServerField<&ServeConfig::inference_engine>()),
            "who computes: vllm_direct, this program itself (also called direct), or vllm_openai, "
            "servers that speak the OpenAI API",
            {{"INFERENCE_ENGINE"}, {}});
  table.Add("model_name", Text(ServerField<&ServeConfig::default_model>(), kModelName),
            "the default model, as clients call it; default: the first in the YAML file, else the "
            "last part of model_path, else the embedded model's",
            {{"MODEL_NAME"}, {"--served-model-name"}});
  table.Add("api_host", Text(ServerField<&ServeConfig::api_host>(), kHost),
            "address to listen on; 0.0.0.0 or :: for all", {{"API_HOST"}, {"--host"}});
  table.Add("api_port", WholeNumber(ServerField<&ServeConfig::api_port>(), 0, 65535),
            "port of all interfaces that have none of their own; default 8000; 0 = any free one",
            {{"API_PORT"}, {"--port"}});
  table.Add("threads", WholeNumber(ServerField<&ServeConfig::threads>(), 0, 1024),
            "threads that compute; 0 = all cores");
  table.Add("data_dir", Text(ServerField<&ServeConfig::data_dir>(), kFolder),
            "where jobs and usage are kept; default $XDG_STATE_HOME/maoocr or "
            "~/.local/state/maoocr");
  table.Add("job_result_ttl_s", Number(ServerField<&ServeConfig::job_result_ttl_s>(), 1, kYear),
            "seconds for which the result of a job is kept");
}

void AddModelMemory(Table& table) {
  table.Add("tensor_parallel_size",
            WholeNumber(ModelField<&ModelConfig::tensor_parallel_size>(), 1, 64),
            "GPUs that share the model", {{"TENSOR_PARALLEL_SIZE"}, {}});
  table.Add("gpu_memory_utilization",
            Number(ModelField<&ModelConfig::gpu_memory_utilization>(), 0, 1, true),
            "part of a GPU's memory that may be used", {{"GPU_MEMORY_UTILIZATION"}, {}});
  table.Add("max_model_len", WholeNumber(ModelField<&ModelConfig::max_model_len>(), 0, kMaxTokens),
            "tokens of prompt and answer together; 0 = the model's", {{"MAX_MODEL_LEN"}, {}});
  table.Add("max_num_seqs", WholeNumber(ModelField<&ModelConfig::max_num_seqs>(), 1, 1024),
            "requests computed at once", {{"MAX_NUM_SEQS"}, {}});
  table.Add("max_num_batched_tokens",
            WholeNumber(ModelField<&ModelConfig::max_num_batched_tokens>(), 1, kMaxTokens),
            "tokens computed in one step", {{"MAX_NUM_BATCHED_TOKENS"}, {}});
  // BLOCK_SIZE alone is a variable of df, du and ls.
  table.Add("block_size", WholeNumber(ModelField<&ModelConfig::block_size>(), 16, 1024, 16),
            "tokens of a cache block");
  table.Add("kv_cache_space_gib", Number(ModelField<&ModelConfig::kv_cache_space_gib>(), 0, 4096),
            "GiB for keys and values; 0 = by max_num_seqs and free memory",
            {{"VLLM_CPU_KVCACHE_SPACE"}, {}});
  table.Add("enable_prefix_caching", Switch(ModelField<&ModelConfig::enable_prefix_caching>()),
            "compute equal beginnings of prompts once", {{"ENABLE_PREFIX_CACHING"}, {}});
}

void AddModel(Table& table) {
  table.BeginSection(std::string(kModelSection));
  table.Add("model_path", Text(ModelField<&ModelConfig::model_path>(), kFolder),
            "folder of a Hugging Face checkpoint; empty = the embedded model",
            {{"MODEL_PATH"}, {"--model"}});
  table.Add("model_type", Text(ModelField<&ModelConfig::model_type>(), kIdentifier),
            "kind of model; empty = as its config.json says", {{"MODEL_TYPE"}, {}});
  table.Add("quantization",
            Choice(ModelField<&ModelConfig::quantization>(),
                   std::vector<ChoiceRow<std::string>>{
                       {"none", "none"}, {"int8", "int8"}, {"int4", "int4"}}),
            "weights of the language model; none = as the checkpoint is stored",
            {{"QUANTIZATION"}, {}});
  table.Add("dtype",
            Choice(ModelField<&ModelConfig::dtype>(),
                   std::vector<ChoiceRow<std::string>>{
                       {"auto", "auto"}, {"bfloat16", "bfloat16"}, {"float32", "float32"}}),
            "number format of the arithmetic; auto = the checkpoint's");
  AddModelMemory(table);
  table.AddYamlOnly("model_inference_engine", "inference_engine",
                    EngineChoice(ModelField<&ModelConfig::inference_engine>()),
                    "who computes this model; default: the server's inference_engine");
  table.Add("remote_model_name", Text(ModelField<&ModelConfig::remote_model_name>(), kModelName),
            "its name on the servers of vllm_openai; empty = model_path, else its name here");
  table.AddYamlOnly("model_base_urls", "base_urls",
                    List(ModelField<&ModelConfig::base_urls>(), kUrl),
                    "servers for this model alone; empty = those of vllm_openai");
  table
      .AddYamlOnly("model_api_key", "api_key", Text(ModelField<&ModelConfig::api_key>(), kSecret),
                   "key for these servers; the key of vllm_openai is not shown to them")
      .is_secret = true;
}

void AddRemoteEngine(Table& table) {
  constexpr auto kRemote = &ServeConfig::vllm_openai;
  table.BeginSection("vllm_openai");
  table.Add("vllm_openai_base_urls",
            List(ServerField<kRemote, &RemoteEngineConfig::base_urls>(), kUrl),
            "servers, each as http://host:8000/v1; the one with the fewest open requests is taken",
            {{"VLLM_BASE_URL", "OPENAI_BASE_URL"}, {}}, "base_urls");
  table
      .Add("vllm_openai_api_key",
           Text(ServerField<kRemote, &RemoteEngineConfig::api_key>(), kSecret),
           "key that is sent to them", {{"VLLM_API_KEY", "OPENAI_API_KEY"}, {}}, "api_key")
      .is_secret = true;
  table.Add("vllm_openai_max_connections",
            WholeNumber(ServerField<kRemote, &RemoteEngineConfig::max_connections>(), 1, 4096),
            "connections to each of them", {}, "max_connections");
  table.Add("vllm_openai_max_retries",
            WholeNumber(ServerField<kRemote, &RemoteEngineConfig::max_retries>(), 0, 100),
            "further attempts, each at another server if there is one", {}, "max_retries");
  table.Add("vllm_openai_health_interval_s",
            Number(ServerField<kRemote, &RemoteEngineConfig::health_interval_s>(), 0.1, kDay),
            "seconds between two looks at the health of each", {}, "health_interval_s");
  table.Add("vllm_openai_timeout_s",
            Number(ServerField<kRemote, &RemoteEngineConfig::timeout_s>(), 0.1, kDay),
            "seconds until a server's first token; see vllm_openai.md", {}, "timeout_s");
}

void AddInterfaces(Table& table) {
  for (size_t i = 0; i < kApiInterfaces.size(); ++i) {
    const std::string name(kApiInterfaces[i].name);
    const auto config = [i](SettingTarget target) -> ApiInterfaceConfig& {
      return target.config->api_interfaces[i];
    };
    const std::string title(kApiInterfaces[i].title);
    table.BeginSection("api_interfaces." + name);
    table.Add(name + "_enabled",
              Switch([=](SettingTarget t) -> auto& { return config(t).enabled; }), "offer " + title,
              {}, "enabled");
    table.Add(name + "_host",
              Text(
                  [=](SettingTarget t) -> auto& { return config(t).host; }, kHost),
              "address of " + title + "; default: api_host", {}, "host");
    table.Add(name + "_port",
              WholeNumber(
                  [=](SettingTarget t) -> auto& { return config(t).port; }, 0, 65535),
              "port of " + title + "; default: see Ports in docs/configuration.md", {}, "port");
  }
}

void AddLimits(Table& table) {
  constexpr auto kLimits = &ServeConfig::limits;
  table.BeginSection("limits");
  table.Add("max_upload_size_mb",
            WholeNumber(ServerField<kLimits, &ServerLimits::max_upload_size_mb>(), 1, 2048),
            "MiB of one request's body", {{"MAX_UPLOAD_SIZE_MB"}, {}});
  table.Add("max_queue_length",
            WholeNumber(ServerField<kLimits, &ServerLimits::max_queue_length>(), 0, 1'000'000),
            "requests that may wait; the next is answered 429", {{"MAX_QUEUE_LENGTH"}, {}});
  table.Add("max_concurrency",
            WholeNumber(ServerField<kLimits, &ServerLimits::max_concurrency>(), 0, 100'000),
            "requests worked on at once; 0 = by max_num_seqs", {{"MAX_CONCURRENCY"}, {}});
  table.Add("request_timeout_s",
            Number(ServerField<kLimits, &ServerLimits::request_timeout_s>(), 0.1, kDay),
            "seconds until a request is given up with 504");
  table.Add("rate_limit_per_minute",
            WholeNumber(ServerField<kLimits, &ServerLimits::rate_limit_per_minute>(), 0, 1'000'000),
            "requests of one API key; 0 = no limit", {{"RATE_LIMIT_PER_MINUTE"}, {}});
  table.Add("max_connections",
            WholeNumber(ServerField<kLimits, &ServerLimits::max_connections>(), 1, 1'000'000),
            "open connections of all clients");
  table.Add("max_image_pixels",
            WholeNumber(ServerField<kLimits, &ServerLimits::max_image_pixels>(), 64, 100'000'000),
            "pixels of one page");
  table.Add("max_pages", WholeNumber(ServerField<kLimits, &ServerLimits::max_pages>(), 1, 100'000),
            "pages of a PDF that one request may have read", {{"MAX_PAGES"}, {}});
  table.Add("pdf_dpi", WholeNumber(ServerField<kLimits, &ServerLimits::pdf_dpi>(), 36, 600),
            "resolution of PDF pages unless a request says otherwise; very large pages get less",
            {{"PDF_DPI"}, {}});
  table.Add("max_pdf_dpi", WholeNumber(ServerField<kLimits, &ServerLimits::max_pdf_dpi>(), 36, 600),
            "highest resolution that a request may ask for", {{"MAX_PDF_DPI"}, {}});
  table.Add("drain_timeout_s",
            Number(ServerField<kLimits, &ServerLimits::drain_timeout_s>(), 0, kDay),
            "seconds that running requests get after SIGTERM");
}

void AddCacheAndFetching(Table& table) {
  constexpr auto kCache = &ServeConfig::result_cache;
  table.BeginSection("result_cache");
  table.Add(
      "result_cache_size_mb",
      WholeNumber(ServerField<kCache, &ResultCacheConfig::result_cache_size_mb>(), 0, 1'000'000),
      "MiB of answers kept for equal requests; 0 = off", {}, "size_mb");
  table.Add("result_cache_max_age_s",
            Number(ServerField<kCache, &ResultCacheConfig::result_cache_max_age_s>(), 0, kYear),
            "seconds for which an answer is kept", {}, "max_age_s");

  constexpr auto kFetch = &ServeConfig::url_fetch;
  table.BeginSection("url_fetch");
  table.Add("allow_url_fetch", Switch(ServerField<kFetch, &UrlFetchConfig::allow_url_fetch>()),
            "fetch pictures that clients name by URL; private addresses never are", {}, "enabled");
  table.Add("url_max_size_mb",
            WholeNumber(ServerField<kFetch, &UrlFetchConfig::url_max_size_mb>(), 1, 2048),
            "MiB of one of them", {}, "max_size_mb");
  table.Add("url_timeout_s",
            Number(ServerField<kFetch, &UrlFetchConfig::url_timeout_s>(), 0.1, kDay),
            "seconds for one of them", {{"VLLM_IMAGE_FETCH_TIMEOUT"}, {}}, "timeout_s");
  table.Add("url_allowed_domains",
            List(ServerField<kFetch, &UrlFetchConfig::url_allowed_domains>(), kDomain),
            "fetch from these only: example.org, *.example.org; empty = every public host",
            {{}, {"--allowed-media-domains"}}, "allowed_domains");

  constexpr auto kWebhooks = &ServeConfig::webhooks;
  table.BeginSection("webhooks");
  table
      .Add("webhook_secret",
           Text(ServerField<kWebhooks, &WebhookConfig::webhook_secret>(), kSecret),
           "signs the callbacks of jobs: whsec_ and base64; empty = callbacks are refused", {},
           "secret")
      .is_secret = true;
  table.Add("webhook_allowed_domains",
            List(ServerField<kWebhooks, &WebhookConfig::webhook_allowed_domains>(), kDomain),
            "call back these only: example.org, *.example.org; empty = every public host", {},
            "allowed_domains");
  table.Add("webhook_allow_private",
            Switch(ServerField<kWebhooks, &WebhookConfig::webhook_allow_private>()),
            "call back private addresses, and any port, too", {}, "allow_private");
}

void AddSecurity(Table& table) {
  constexpr auto kSecurity = &ServeConfig::security;
  table.BeginSection("security");
  table
      .Add("api_keys", List(ServerField<kSecurity, &SecurityConfig::api_keys>(), kSecret),
           "keys of which clients must show one; no key and no file = none is asked for",
           {{"API_KEYS"}, {"--api-key"}})
      .is_secret = true;
  table.Add("api_keys_file", Text(ServerField<kSecurity, &SecurityConfig::api_keys_file>(), kPath),
            "file with the hashes of such keys");
  table.Add("tls_cert_file", Text(ServerField<kSecurity, &SecurityConfig::tls_cert_file>(), kPath),
            "certificate chain (PEM); with it HTTPS is spoken", {{}, {"--ssl-certfile"}});
  table.Add("tls_key_file", Text(ServerField<kSecurity, &SecurityConfig::tls_key_file>(), kPath),
            "its private key (PEM)", {{}, {"--ssl-keyfile"}});
  table.Add("cors_allow_origins",
            List(ServerField<kSecurity, &SecurityConfig::cors_allow_origins>(), kOrigin),
            "web pages that may call: https://example.org, or * for all; empty = none",
            {{"CORS_ALLOW_ORIGINS"}, {"--allowed-origins"}});
}

void AddLoggingAndTracing(Table& table) {
  constexpr auto kLogging = &ServeConfig::logging;
  table.BeginSection("logging");
  table.Add("log_level",
            Choice(ServerField<kLogging, &LoggingConfig::log_level>(),
                   std::vector<ChoiceRow<LogLevel>>{{"debug", LogLevel::kDebug},
                                                    {"info", LogLevel::kInfo},
                                                    {"warning", LogLevel::kWarning},
                                                    {"warn", LogLevel::kWarning},
                                                    {"error", LogLevel::kError},
                                                    {"off", LogLevel::kOff}}),
            "least severity that is logged", {}, "level");
  table.Add("log_format",
            Choice(ServerField<kLogging, &LoggingConfig::log_format>(),
                   std::vector<ChoiceRow<std::string>>{{"text", "text"}, {"json", "json"}}),
            "lines for people, or JSON for machines", {}, "format");

  constexpr auto kTracing = &ServeConfig::tracing;
  table.BeginSection("tracing");
  table.Add("otlp_endpoint", Text(ServerField<kTracing, &TracingConfig::otlp_endpoint>(), kUrl),
            "OpenTelemetry collector; traces go to this and /v1/traces; empty = none",
            {{"OTEL_EXPORTER_OTLP_ENDPOINT"}, {}});
  table.Add("otlp_traces_endpoint",
            Text(ServerField<kTracing, &TracingConfig::otlp_traces_endpoint>(), kUrl),
            "full URL for traces; goes before otlp_endpoint",
            {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}, {}});
  table.Add("service_name",
            Text(ServerField<kTracing, &TracingConfig::service_name>(), kIdentifier),
            "what this server calls itself in traces", {{"OTEL_SERVICE_NAME"}, {}});
  table.Add("traces_sampler",
            Choice(ServerField<kTracing, &TracingConfig::traces_sampler>(),
                   std::vector<ChoiceRow<TracesSampler>>{
                       {"parentbased_always_on", TracesSampler::kParentBasedAlwaysOn},
                       {"parentbased_always_off", TracesSampler::kParentBasedAlwaysOff},
                       {"parentbased_traceidratio", TracesSampler::kParentBasedRatio},
                       {"always_on", TracesSampler::kAlwaysOn},
                       {"always_off", TracesSampler::kAlwaysOff},
                       {"traceidratio", TracesSampler::kRatio}}),
            "which traces are sent; parentbased: as the caller's trace, if it has one",
            {{"OTEL_TRACES_SAMPLER"}, {}});
  table.Add("traces_sampler_arg",
            Number(ServerField<kTracing, &TracingConfig::traces_sampler_arg>(), 0, 1),
            "share of traces that the samplers with traceidratio send",
            {{"OTEL_TRACES_SAMPLER_ARG"}, {}});
}

std::vector<Setting> MakeSettings() {
  Table table;
  AddServer(table);
  AddModel(table);
  AddRemoteEngine(table);
  AddInterfaces(table);
  AddLimits(table);
  AddCacheAndFetching(table);
  AddSecurity(table);
  AddLoggingAndTracing(table);
  return std::move(table).Take();
}

}  // namespace
}  // namespace setting_types

namespace {

// "http://user:secret@host" as "http://***@host".
std::string WithoutUserInfo(std::string url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return url;
  const size_t end = url.find('/', begin + 3);
  const size_t at = url.rfind('@', end);
  if (at != std::string::npos && at > begin) url.replace(begin + 3, at - begin - 3, "***");
  return url;
}

}  // namespace

std::string Setting::Path(std::string_view model) const {
  if (is_of_model()) return "models." + std::string(model) + "." + key;
  return section.empty() ? key : section + "." + key;
}

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = setting_types::MakeSettings();
  return settings;
}

const Setting* FindSetting(std::string_view name) {
  const auto& settings = Settings();
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& each) { return each.name == name; });
  return found == settings.end() ? nullptr : &*found;
}

std::vector<std::string> ShownValues(const Setting& setting, std::vector<std::string> values) {
  for (std::string& value : values) {
    if (setting.is_secret && !value.empty()) value = "***";
    value = WithoutUserInfo(std::move(value));
  }
  return values;
}

}  // namespace mao
