#include "serve/graphql_api/ocr_fields.h"

#include <string>

#include "serve/api/json.h"
#include "serve/api/ocr_modes.h"
#include "serve/graphql_api/names.h"

namespace mao {

using Json = nlohmann::ordered_json;

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

Json ToOcrResult(const Json& answer) {
  Json result = CamelCaseNames(answer);
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

}  // namespace mao
