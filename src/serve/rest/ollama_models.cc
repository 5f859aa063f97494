#include "serve/rest/ollama_models.h"

#include <string>

#include <fmt/core.h>

#include "serve/rest/ollama_answer.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

const Engine* EngineOf(const ServedModel& model) {
  return model.backend == nullptr ? nullptr : model.backend->engine();
}

// "3.3B", "8.1M"
std::string ParameterSize(int64_t num_parameters) {
  constexpr double kBillion = 1e9;
  constexpr double kMillion = 1e6;
  const auto number = static_cast<double>(num_parameters);
  return number >= kBillion ? fmt::format("{:.1f}B", number / kBillion)
                            : fmt::format("{:.1f}M", number / kMillion);
}

Json Details(const ServedModel& model) {
  Json details = {{"parent_model", ""},   {"format", "safetensors"},
                  {"family", ""},         {"families", Json::array()},
                  {"parameter_size", ""}, {"quantization_level", ""}};
  const Engine* const engine = EngineOf(model);
  if (engine == nullptr) return details;
  const ModelInfo& info = engine->model_info();
  details["family"] = info.architecture;
  details["families"] = Json::array({info.architecture});
  details["parameter_size"] = ParameterSize(info.num_parameters);
  details["quantization_level"] = info.weight_format;
  return details;
}

Json Describe(const ServedModel& model) {
  const Engine* const engine = EngineOf(model);
  return {{"name", model.name},
          {"model", model.name},
          {"modified_at", Rfc3339(model.created)},
          {"size", engine == nullptr ? 0 : engine->model_info().packed_bytes},
          {"digest", ""},
          {"details", Details(model)}};
}

}  // namespace

Json OllamaTags(const Service& service) {
  Json models = Json::array();
  for (const ServedModel& model : service.models()) models.push_back(Describe(model));
  return {{"models", models}};
}

Json OllamaRunning(const Service& service) {
  constexpr const char* kNever = "9999-12-31T23:59:59Z";
  Json models = Json::array();
  for (const ServedModel& model : service.models()) {
    if (model.state != ModelState::kReady) continue;
    Json running = Describe(model);
    running.erase("modified_at");
    running["expires_at"] = kNever;
    running["size_vram"] = 0;
    models.push_back(std::move(running));
  }
  return {{"models", models}};
}

Json OllamaShow(const ServedModel& model) {
  Json show = {{"modelfile", ""},
               {"parameters", ""},
               {"template", "{{ .Prompt }}"},
               {"details", Details(model)},
               {"model_info", Json::object()},
               {"capabilities", {"completion", "vision"}},
               {"modified_at", Rfc3339(model.created)}};
  const Engine* const engine = EngineOf(model);
  if (engine == nullptr) return show;
  const ModelInfo& info = engine->model_info();
  const std::string& family = info.architecture;
  show["model_info"] = {{"general.architecture", family},
                        {"general.parameter_count", info.num_parameters},
                        {family + ".context_length", engine->config().max_model_len},
                        {family + ".embedding_length", info.hidden_size},
                        {family + ".block_count", info.num_layers},
                        {family + ".vocab_size", info.vocab_size}};
  return show;
}

}  // namespace mao
