#include "engine/constraint/json_value.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "text/utf8.h"

namespace mao {
namespace {

using Json = nlohmann::json;
using Kind = JsonValue::Kind;

// Checked before parsing, so that nothing recurses deeper.
bool NestsTooDeep(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > JsonValue::kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Builds a JsonValue from the parser's events, without a tree of the library in between (whose
// ordered objects take quadratic time).
class ValueBuilder : public nlohmann::json_sax<Json> {
 public:
  JsonValue TakeRoot() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return Add({}); }
  bool boolean(bool value) override {
    JsonValue v;
    v.kind = Kind::kBool;
    v.boolean = value;
    return Add(std::move(v));
  }
  bool number_integer(int64_t value) override { return AddInteger(value, std::to_string(value)); }
  bool number_unsigned(uint64_t value) override {
    if (value <= INT64_MAX) return AddInteger(static_cast<int64_t>(value), std::to_string(value));
    return number_float(static_cast<double>(value), std::to_string(value));
  }
  bool number_float(double value, const std::string& text) override {
    constexpr double kLimit = 9.0e18;  // below 2^63
    if (value > -kLimit && value < kLimit && std::trunc(value) == value) {
      return AddInteger(static_cast<int64_t>(value), text);
    }
    JsonValue v;
    v.kind = Kind::kNumber;
    v.number = value;
    v.text = text;
    return Add(std::move(v));
  }
  bool string(std::string& value) override {
    JsonValue v;
    v.kind = Kind::kString;
    v.text = std::move(value);
    return Add(std::move(v));
  }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return Open(Kind::kObject); }
  bool start_array(size_t /*size*/) override { return Open(Kind::kArray); }
  bool key(std::string& name) override {
    open_.back().names.push_back(std::move(name));
    return true;
  }
  bool end_object() override {
    std::vector<std::string_view> names(open_.back().names.begin(), open_.back().names.end());
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) {
      error_ = fmt::format("the member \"{}\" is there twice", *twice);
      return false;
    }
    return Close();
  }
  bool end_array() override { return Close(); }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& exception) override {
    error_ = exception.what();
    return false;
  }

 private:
  bool AddInteger(int64_t value, std::string text) {
    JsonValue v;
    v.kind = Kind::kInteger;
    v.integer = value;
    v.number = static_cast<double>(value);
    v.text = std::move(text);
    return Add(std::move(v));
  }
  bool Add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }
  bool Open(Kind kind) {
    open_.emplace_back().kind = kind;
    return true;
  }
  bool Close() {
    JsonValue value = std::move(open_.back());
    open_.pop_back();
    return Add(std::move(value));
  }

  JsonValue root_;
  std::vector<JsonValue> open_;
  std::string error_;
};

void AppendJson(const JsonValue& value, std::string& out) {
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kBool:
      out += value.boolean ? "true" : "false";
      break;
    case Kind::kInteger:
    case Kind::kNumber:
      out += value.text;
      break;
    case Kind::kString:
      out += WriteJsonString(value.text);
      break;
    case Kind::kArray:
    case Kind::kObject:
      out += value.is_array() ? '[' : '{';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ',';
        if (value.is_object()) out += WriteJsonString(value.names[i]) + ':';
        AppendJson(value.items[i], out);
      }
      out += value.is_array() ? ']' : '}';
      break;
  }
}

std::optional<std::string> Unescaped(std::string_view part) {
  std::string name;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '~') {
      name += part[i];
    } else if (i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
      name += part[++i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return name;
}

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const {
  const auto it = std::find(names.begin(), names.end(), name);
  return it == names.end() ? nullptr : &items[it - names.begin()];
}

void JsonValue::SetMember(std::string_view name, JsonValue value) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) {
    items[it - names.begin()] = std::move(value);
    return;
  }
  names.emplace_back(name);
  items.push_back(std::move(value));
}

void JsonValue::EraseMember(std::string_view name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) return;
  items.erase(items.begin() + (it - names.begin()));
  names.erase(it);
}

size_t JsonValue::CountValues() const {
  size_t count = 1;
  for (const JsonValue& item : items) count += item.CountValues();
  return count;
}

bool operator==(const JsonValue& a, const JsonValue& b) {
  if (a.is_number() && b.is_number()) {
    return a.kind == b.kind &&
           (a.kind == Kind::kInteger ? a.integer == b.integer : a.number == b.number);
  }
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (!a.is_object()) return a.boolean == b.boolean && a.text == b.text && a.items == b.items;
  for (size_t i = 0; i < a.items.size(); ++i) {
    const JsonValue* other = b.Find(a.names[i]);
    if (other == nullptr || !(*other == a.items[i])) return false;
  }
  return true;
}

Result<JsonValue> ParseJsonValue(std::string_view json) {
  if (!IsValidUtf8(json)) {
    return InvalidArgumentError(fmt::format("not UTF-8 from byte {} on", ValidUtf8Prefix(json)));
  }
  if (NestsTooDeep(json)) {
    return InvalidArgumentError(
        fmt::format("JSON nested deeper than the limit of {}", JsonValue::kMaxDepth));
  }
  ValueBuilder builder;
  try {
    if (Json::sax_parse(json, &builder)) return builder.TakeRoot();
  } catch (const std::exception& error) {
    return InvalidArgumentError(fmt::format("not JSON: {}", error.what()));
  }
  return InvalidArgumentError(fmt::format("not JSON: {}", builder.error()));
}

const JsonValue* FindByPointer(const JsonValue& root, std::string_view pointer) {
  constexpr size_t kMaxIndexDigits = 6;
  const JsonValue* value = &root;
  while (!pointer.empty() && value != nullptr) {
    if (pointer[0] != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view part = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(part.size());
    const std::optional<std::string> name = Unescaped(part);
    if (!name) return nullptr;
    if (value->is_object()) {
      value = value->Find(*name);
      continue;
    }
    const bool is_index = value->is_array() && !name->empty() && name->size() <= kMaxIndexDigits &&
                          name->find_first_not_of("0123456789") == std::string::npos;
    const size_t index = is_index ? std::stoul(*name) : value->items.size();
    value = index < value->items.size() ? &value->items[index] : nullptr;
  }
  return value;
}

std::string PointerPart(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string WriteJsonValue(const JsonValue& value) {
  std::string out;
  AppendJson(value, out);
  return out;
}

std::string WriteJsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

}  // namespace mao
