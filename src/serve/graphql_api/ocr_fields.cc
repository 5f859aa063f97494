#include "serve/graphql_api/ocr_fields.h"

#include <cstdint>
#include <string>
#include <utility>

#include "serve/api/json.h"
#include "serve/api/ocr_modes.h"
#include "serve/graphql_api/names.h"

namespace mao {

using Json = nlohmann::ordered_json;

namespace {

// Fields that a document has but through its pages.
void AddWhatPagesHave(Json& pages, Json& document) {
  int64_t generations = 0;
  bool is_known = true;
  for (const Json& page : pages) {
    if (page["result"].is_null()) continue;
    const Json& metadata = page["result"]["metadata"];
    generations += metadata.value("generations", int64_t{0});
    is_known = is_known && metadata.value("fromCache", false);
  }
  document["boxes"] = Json::array();
  document["pages"] = std::move(pages);
  Json& metadata = document["metadata"];
  metadata["generations"] = generations;
  metadata["fromCache"] = is_known;
  metadata["timingsMs"] = Json::object();
}

}  // namespace

nlohmann::json ToOcrFields(const Json& input) {
  nlohmann::json fields = nlohmann::json::object();
  for (const auto& [name, value] : input.items()) {
    if (name == "bypassCache" || value.is_null()) continue;
    nlohmann::json& field = fields[SnakeCase(name)];
    if (name == "mode" || name == "size") {
      field = FromEnumValue(value.get_ref<const std::string&>());
    } else if (name == "schema" && value.is_structured()) {
      field = DumpJson(value);  // as text it keeps the order of its names
    } else {
      field = value;
    }
  }
  return fields;
}

Json ToOcrResult(const Json& document) {
  Json pages;
  if (const auto found = document.find("pages"); found != document.end()) {
    pages = Json::array();
    for (const Json& page : *found) pages.push_back(ToOcrPage(page));
  }
  Json result = Json::object();
  for (const auto& [name, value] : document.items()) {
    if (name != "pages") result[CamelCase(name)] = name == "data" ? value : CamelCaseNames(value);
  }
  if (!pages.is_null()) AddWhatPagesHave(pages, result);
  if (!result.contains("figures")) result["figures"] = Json::array();
  Json& metadata = result["metadata"];
  metadata["mode"] = EnumValue(metadata.value("mode", ""));
  metadata["finishReason"] = FinishReasonValue(metadata.value("finishReason", ""));
  const std::string size = metadata.value("size", "");
  metadata["size"] = IsSizeMode(size) ? Json(EnumValue(size)) : Json();
  for (const char* list : {"missing", "ignored"}) {
    if (!metadata.contains(list)) metadata[list] = Json::array();
  }
  return result;
}

Json ToOcrPage(const Json& page) {
  const bool is_read = !page.contains("error");
  return {{"page", page["page"]},
          {"error", is_read ? Json() : page["error"]},
          {"result", is_read ? ToOcrResult(page) : Json()}};
}

}  // namespace mao
