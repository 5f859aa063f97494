#include "serve/graphql_api/names.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool IsSmall(char c) { return c >= 'a' && c <= 'z'; }
char Capital(char c) { return IsSmall(c) ? static_cast<char>(c - 'a' + 'A') : c; }
char Small(char c) { return IsCapital(c) ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string SnakeCase(std::string_view name) {
  std::string snake;
  for (const char c : name) {
    if (IsCapital(c)) snake += '_';
    snake += Small(c);
  }
  return snake;
}

std::string CamelCase(std::string_view name) {
  std::string camel;
  bool is_first = false;  // of a word, but not of the name
  for (const char c : name) {
    if (c != '_') camel += is_first ? Capital(c) : c;
    is_first = c == '_';
  }
  return camel;
}

std::string EnumValue(std::string_view name) {
  std::string value(name);
  for (char& c : value) c = Capital(c);
  return value;
}

std::string FromEnumValue(std::string_view value) {
  std::string name(value);
  for (char& c : name) c = Small(c);
  return name;
}

Json FinishReasonValue(std::string_view name) {
  const bool is_known = name == "stop" || name == "length" || name == "repetition";
  return is_known ? Json(EnumValue(name)) : Json();
}

Json CamelCaseNames(const Json& json) {
  if (json.is_array()) {
    Json array = Json::array();
    for (const Json& item : json) array.push_back(CamelCaseNames(item));
    return array;
  }
  if (!json.is_object()) return json;
  Json object = Json::object();
  for (const auto& [name, value] : json.items()) {
    object[CamelCase(name)] = name == "data" ? value : CamelCaseNames(value);
  }
  return object;
}

}  // namespace mao
