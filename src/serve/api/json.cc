#include "serve/api/json.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <simdjson.h>

namespace mao {
namespace {

// Depth is bounded by the parser.
template <typename Json>
Json Convert(const simdjson::dom::element& element) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::OBJECT: {
      Json object = Json::object();
      for (const auto& [key, value] : simdjson::dom::object(element)) {
        object[std::string(key)] = Convert<Json>(value);
      }
      return object;
    }
    case Type::ARRAY: {
      Json array = Json::array();
      for (const simdjson::dom::element value : simdjson::dom::array(element)) {
        array.push_back(Convert<Json>(value));
      }
      return array;
    }
    case Type::STRING:
      return std::string(std::string_view(element));
    case Type::INT64:
      return int64_t(element);
    case Type::UINT64:
      return uint64_t(element);
    case Type::DOUBLE:
      return double(element);
    case Type::BOOL:
      return bool(element);
    case Type::NULL_VALUE:
      break;
  }
  return nullptr;
}

// The element lives as long as the parser.
Status Parse(std::string_view text, simdjson::dom::parser& parser, simdjson::dom::element& root) {
  if (parser.allocate(std::max<size_t>(text.size(), 1), kMaxJsonDepth) != simdjson::SUCCESS) {
    return ResourceExhaustedError("no memory for the JSON document");
  }
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::DEPTH_ERROR) {
    return InvalidArgumentError(
        fmt::format("the JSON nests deeper than the limit of {}", kMaxJsonDepth));
  }
  if (error != simdjson::SUCCESS) {
    return InvalidArgumentError(fmt::format("no valid JSON: {}", simdjson::error_message(error)));
  }
  return OkStatus();
}

template <typename Json>
Result<Json> ParseAs(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  MAO_RETURN_IF_ERROR(Parse(text, parser, root));
  return Convert<Json>(root);
}

}  // namespace

Result<nlohmann::json> ParseJson(std::string_view text) { return ParseAs<nlohmann::json>(text); }

Result<nlohmann::ordered_json> ParseOrderedJson(std::string_view text) {
  return ParseAs<nlohmann::ordered_json>(text);
}

Result<std::string> JsonTextAt(std::string_view text, std::span<const std::string_view> path) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  MAO_RETURN_IF_ERROR(Parse(text, parser, element));
  for (const std::string_view name : path) {
    if (element[name].get(element) != simdjson::SUCCESS) {
      return NotFoundError(fmt::format("there is no {}", name));
    }
  }
  return simdjson::minify(element);
}

std::string DumpJson(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string DumpJson(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

JsonFields::JsonFields(const nlohmann::json& object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (!object.is_object()) {
    const std::string name = path_.empty() ? "the body" : path_.substr(0, path_.size() - 1);
    status_ = InvalidArgumentError(
        fmt::format("{}: expected an object, found {}", name, object.type_name()));
  }
}

const nlohmann::json* JsonFields::Find(const char* name) const {
  if (!object_.is_object()) return nullptr;
  const auto it = object_.find(name);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

void JsonFields::Fail(std::string_view name, std::string_view expected) {
  if (!status_.ok()) return;
  status_ = InvalidArgumentError(fmt::format("{}{}: expected {}", path_, name, expected));
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, bool& value) {
  if (!field.is_boolean()) return Fail(name, "true or false");
  value = field.get<bool>();
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, int& value) {
  // 1.0 is an integer too: JavaScript knows no other.
  const double number = field.is_number() ? field.get<double>() : std::nan("");
  if (!(number == std::trunc(number)) || std::abs(number) > std::numeric_limits<int>::max()) {
    return Fail(name, "an integer");
  }
  value = static_cast<int>(number);
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, uint64_t& value) {
  if (!field.is_number_integer()) return Fail(name, "an integer");
  value = field.get<uint64_t>();  // seeds may be negative: any 64 bits do
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, float& value) {
  if (!field.is_number()) return Fail(name, "a number");
  value = field.get<float>();
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, std::string& value) {
  if (!field.is_string()) return Fail(name, "a string");
  value = field.get<std::string>();
}

void JsonFields::Assign(const nlohmann::json& field, const char* name,
                        std::vector<std::string>& value) {
  value.clear();
  if (field.is_string()) {
    value.push_back(field.get<std::string>());
    return;
  }
  if (!field.is_array()) return Fail(name, "a string or an array of strings");
  for (const nlohmann::json& element : field) {
    if (!element.is_string()) return Fail(name, "a string or an array of strings");
    value.push_back(element.get<std::string>());
  }
}

void JsonFields::Assign(const nlohmann::json& field, const char* name, std::vector<int>& value) {
  value.clear();
  if (!field.is_array()) return Fail(name, "an array of integers");
  for (const nlohmann::json& element : field) {
    int number = 0;
    Assign(element, name, number);
    value.push_back(number);
  }
}

}  // namespace mao
