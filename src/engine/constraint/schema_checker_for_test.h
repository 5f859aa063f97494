// For tests: does a JSON value satisfy a schema? Written from the specification, apart from the
// compiler, over another JSON library and std::regex.
#ifndef MAOOCR_ENGINE_CONSTRAINT_SCHEMA_CHECKER_FOR_TEST_H_
#define MAOOCR_ENGINE_CONSTRAINT_SCHEMA_CHECKER_FOR_TEST_H_

#include <algorithm>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>

namespace mao {

class SchemaChecker {
 public:
  using Json = nlohmann::json;
  explicit SchemaChecker(const Json& root) : root_(root) {}

  bool Check(const Json& value) const { return Check(value, root_); }

 private:
  static size_t Length(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  }

  static bool IsType(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
  }

  static bool IsFormat(const std::string& text, const std::string& format) {
    const auto matches = [&](const char* regex) {
      return std::regex_match(text, std::regex(regex));
    };
    if (format == "date") {
      if (!matches("\\d{4}-\\d\\d-\\d\\d")) return false;
      const int year = std::stoi(text.substr(0, 4));
      const int month = std::stoi(text.substr(5, 2));
      const int day = std::stoi(text.substr(8, 2));
      const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
      const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
      return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
    }
    if (format == "time") {
      return matches("\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)") &&
             std::stoi(text.substr(0, 2)) < 24 && std::stoi(text.substr(3, 2)) < 60 &&
             std::stoi(text.substr(6, 2)) < 60;
    }
    if (format == "date-time") {
      const size_t t = text.find('T');
      return t != std::string::npos && IsFormat(text.substr(0, t), "date") &&
             IsFormat(text.substr(t + 1), "time");
    }
    if (format == "uuid") return matches("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    if (format == "email") return matches("[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+");
    if (format == "ipv4") {
      return matches("((25[0-5]|2[0-4]\\d|1\\d\\d|\\d\\d?)(\\.(?!$)|$)){4}");
    }
    if (format == "hostname") return matches("[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*");
    if (format == "uri") return matches("[A-Za-z][A-Za-z0-9+.-]*:\\S+");
    return true;
  }

  bool Check(const Json& value, const Json& schema) const {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref")) {
      const std::string ref = schema["$ref"];
      if (!Check(value, root_.at(Json::json_pointer(ref.substr(1))))) return false;
    }
    if (value.is_null() && schema.value("nullable", false)) return true;
    return CheckType(value, schema) && CheckCombinations(value, schema) &&
           CheckNumber(value, schema) && CheckString(value, schema) && CheckArray(value, schema) &&
           CheckObject(value, schema);
  }

  static bool CheckType(const Json& value, const Json& schema) {
    if (schema.contains("const") && value != schema["const"]) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
      return false;
    }
    if (!schema.contains("type")) return true;
    const Json& type = schema["type"];
    if (type.is_string()) return IsType(value, type);
    return std::any_of(type.begin(), type.end(), [&](const Json& t) { return IsType(value, t); });
  }

  bool CheckCombinations(const Json& value, const Json& schema) const {
    const auto check = [&](const Json& sub) { return Check(value, sub); };
    for (const char* any : {"anyOf", "oneOf"}) {
      if (schema.contains(any) && std::none_of(schema[any].begin(), schema[any].end(), check)) {
        return false;
      }
    }
    return !schema.contains("allOf") ||
           std::all_of(schema["allOf"].begin(), schema["allOf"].end(), check);
  }

  static bool CheckNumber(const Json& value, const Json& schema) {
    if (!value.is_number()) return true;
    const double x = value.get<double>();
    return !(schema.contains("minimum") && x < schema["minimum"].get<double>()) &&
           !(schema.contains("maximum") && x > schema["maximum"].get<double>()) &&
           !(schema.contains("exclusiveMinimum") &&
             x <= schema["exclusiveMinimum"].get<double>()) &&
           !(schema.contains("exclusiveMaximum") && x >= schema["exclusiveMaximum"].get<double>());
  }

  static bool CheckString(const Json& value, const Json& schema) {
    if (!value.is_string()) return true;
    const std::string text = value;
    const size_t length = Length(text);
    return length >= schema.value("minLength", size_t{0}) &&
           length <= schema.value("maxLength", length) &&
           (!schema.contains("pattern") ||
            std::regex_search(text, std::regex(schema["pattern"].get<std::string>()))) &&
           (!schema.contains("format") || IsFormat(text, schema["format"]));
  }

  bool CheckArray(const Json& value, const Json& schema) const {
    if (!value.is_array()) return true;
    if (value.size() < schema.value("minItems", size_t{0})) return false;
    if (value.size() > schema.value("maxItems", value.size())) return false;
    const Json prefix = schema.value("prefixItems", Json::array());
    for (size_t i = 0; i < value.size(); ++i) {
      if (i < prefix.size() ? !Check(value[i], prefix[i])
                            : schema.contains("items") && !Check(value[i], schema["items"])) {
        return false;
      }
    }
    return true;
  }

  bool CheckObject(const Json& value, const Json& schema) const {
    if (!value.is_object()) return true;
    for (const Json& name : schema.value("required", Json::array())) {
      if (!value.contains(name.get<std::string>())) return false;
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name)) {
        if (!Check(member, properties[name])) return false;
      } else if (schema.contains("additionalProperties") &&
                 !Check(member, schema["additionalProperties"])) {
        return false;
      }
    }
    return true;
  }

  const Json& root_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_SCHEMA_CHECKER_FOR_TEST_H_
