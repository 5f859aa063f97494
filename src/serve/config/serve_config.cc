#include "serve/config/serve_config.h"

#include <algorithm>

namespace mao {

std::string_view InferenceEngineName(InferenceEngine engine) {
  return engine == InferenceEngine::kDirect ? "vllm_direct" : "vllm_openai";
}

const ModelConfig* FindModel(const ServeConfig& config, std::string_view name) {
  const auto model = std::find_if(config.models.begin(), config.models.end(),
                                  [&](const ModelConfig& each) { return each.name == name; });
  return model == config.models.end() ? nullptr : &*model;
}

InferenceEngine EngineOf(const ServeConfig& config, const ModelConfig& model) {
  return model.inference_engine.value_or(config.inference_engine);
}

RemoteModel RemoteOf(const ServeConfig& config, const ModelConfig& model) {
  RemoteModel remote;
  // A key belongs to its servers: the common one is not shown to servers that a model names itself.
  const bool has_own_servers = !model.base_urls.empty();
  remote.base_urls = has_own_servers ? model.base_urls : config.vllm_openai.base_urls;
  remote.api_key =
      has_own_servers || !model.api_key.empty() ? model.api_key : config.vllm_openai.api_key;
  remote.model_name = !model.remote_model_name.empty() ? model.remote_model_name
                      : !model.model_path.empty()      ? model.model_path
                                                       : model.name;
  return remote;
}

size_t KvCacheBytes(const ModelConfig& model) {
  return static_cast<size_t>(model.kv_cache_space_gib * (1 << 30));
}

std::string TracesUrl(const TracingConfig& tracing) {
  if (!tracing.otlp_traces_endpoint.empty()) return tracing.otlp_traces_endpoint;
  if (tracing.otlp_endpoint.empty()) return "";
  return tracing.otlp_endpoint + (tracing.otlp_endpoint.ends_with('/') ? "" : "/") + "v1/traces";
}

}  // namespace mao
