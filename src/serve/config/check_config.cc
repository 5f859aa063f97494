#include "serve/config/check_config.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

void CheckModel(const ServeConfig& config, const ModelConfig& model, ConfigErrors& errors) {
  if (EngineOf(config, model) == InferenceEngine::kOpenAi &&
      RemoteOf(config, model).base_urls.empty()) {
    errors.Add(
        fmt::format("model '{}' is computed by vllm_openai, which needs "
                    "vllm_openai.base_urls (OPENAI_BASE_URL)",
                    model.name));
  }
  if (model.max_model_len != 0 && model.max_model_len < model.block_size) {
    errors.Add(fmt::format("model '{}': max_model_len {} is less than block_size {}", model.name,
                           model.max_model_len, model.block_size));
  }
}

}  // namespace

void CheckConfig(const ServeConfig& config, ConfigErrors& errors) {
  const SecurityConfig& security = config.security;
  if (security.tls_cert_file.empty() != security.tls_key_file.empty()) {
    errors.Add("tls_cert_file and tls_key_file need each other: give both or neither");
  }
  for (const ModelConfig& model : config.models) CheckModel(config, model, errors);
}

std::vector<std::string> ConfigWarnings(const ServeConfig& config, const ListenerPlan& listeners) {
  std::vector<std::string> warnings = listeners.notes;
  const bool asks_for_keys =
      !config.security.api_keys.empty() || !config.security.api_keys_file.empty();
  const auto open =
      std::find_if(listeners.listeners.begin(), listeners.listeners.end(),
                   [](const ListenerSpec& listener) { return !IsLoopbackHost(listener.host); });
  if (!asks_for_keys && open != listeners.listeners.end()) {
    warnings.push_back(
        fmt::format("{} can be reached from other machines and no API key is asked for; set "
                    "api_keys or api_keys_file",
                    ListenerAddress(*open)));
  }
  return warnings;
}

}  // namespace mao
