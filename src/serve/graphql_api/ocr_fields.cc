#include "serve/graphql_api/ocr_fields.h"

#include <string>

#include "serve/api/ocr_modes.h"
#include "serve/graphql_api/names.h"

namespace mao {

using Json = nlohmann::ordered_json;

nlohmann::json ToOcrFields(const Json& input) {
  nlohmann::json fields = nlohmann::json::object();
  for (const auto& [name, value] : input.items()) {
    if (name == "bypassCache" || value.is_null()) continue;
    const bool is_enum = name == "mode" || name == "size";
    fields[SnakeCase(name)] =
        is_enum ? nlohmann::json(FromEnumValue(value.get_ref<const std::string&>()))
                : nlohmann::json(value);
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
