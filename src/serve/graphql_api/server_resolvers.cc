#include <utility>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "serve/api/health.h"
#include "serve/api/ocr_modes.h"
#include "serve/graphql_api/names.h"
#include "serve/graphql_api/resolvers.h"

namespace mao {
namespace {

using graphql::FieldCall;
using Json = nlohmann::ordered_json;

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json();
}

Json DescribeHealth(const Service& service, std::chrono::milliseconds stall_limit) {
  const ServiceHealth health = CheckHealth(service);
  const std::string not_ready = NotReadyReason(service, stall_limit);
  return {{"status", EnumValue(health.status)},
          {"modelLoaded", health.model_loaded},
          {"inferenceEngine", TextOrNull(health.engine)},
          {"reason", TextOrNull(health.reason)},
          {"ready", not_ready.empty()},
          {"notReadyReason", TextOrNull(not_ready)}};
}

Json DescribeModel(const ServedModel& model) {
  Json json = {{"name", model.name}, {"state", EnumValue(ModelStateName(model.state))}};
  if (model.state == ModelState::kFailed) json["failure"] = model.failure.message();
  if (model.backend == nullptr) return json;
  json["inferenceEngine"] = model.backend->engine_name();
  json["created"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                fmt::gmtime(std::chrono::system_clock::to_time_t(model.created)));
  const Engine* const engine = model.backend->engine();
  if (engine != nullptr) json["maxModelLen"] = engine->config().max_model_len;
  return json;
}

Json DescribeModels(const Service& service) {
  Json models = Json::array();
  for (const ServedModel& model : service.models()) models.push_back(DescribeModel(model));
  return models;
}

Json FindModelByName(const Service& service, const std::string& name) {
  for (const ServedModel& model : service.models()) {
    if (model.name == name) return DescribeModel(model);
  }
  return nullptr;
}

Json DescribeModes() {
  Json tasks = Json::array();
  for (const OcrMode& mode : OcrModes()) {
    Json needs = Json::array();
    if (mode.name == kFreeformMode) needs.push_back("prompt");
    if (mode.name == kFindMode) needs.push_back("findTerm");
    tasks.push_back({{"mode", EnumValue(mode.name)},
                     {"name", mode.name},
                     {"otherName", TextOrNull(std::string(mode.other_name))},
                     {"grounding", mode.grounding},
                     {"groundingIsOptional", !mode.text_task.empty() || !mode.grounding},
                     {"needs", std::move(needs)}});
  }
  Json sizes = Json::array();
  for (const std::string_view name : SizeModes()) {
    const LegacySize size = LegacySizeOf(name);
    sizes.push_back({{"size", EnumValue(name)},
                     {"baseSize", OrNull(size.base_size)},
                     {"imageSize", OrNull(size.image_size)},
                     {"cropMode", OrNull(size.crop_mode)}});
  }
  return {{"tasks", std::move(tasks)}, {"sizes", std::move(sizes)}};
}

}  // namespace

void AddServerResolvers(const Service& service, const std::string& version,
                        std::chrono::milliseconds stall_limit, graphql::Resolvers& resolvers) {
  auto& fields = resolvers.fields;
  fields["Query.health"] = [&service, stall_limit](const FieldCall&) -> Result<Json> {
    return DescribeHealth(service, stall_limit);
  };
  fields["Query.version"] = [version](const FieldCall&) -> Result<Json> { return Json(version); };
  fields["Query.models"] = [&service](const FieldCall&) -> Result<Json> {
    return DescribeModels(service);
  };
  fields["Query.model"] = [&service](const FieldCall& call) -> Result<Json> {
    return FindModelByName(service, call.arguments["name"].get<std::string>());
  };
  fields["Query.modes"] = [](const FieldCall&) -> Result<Json> { return DescribeModes(); };
}

}  // namespace mao
