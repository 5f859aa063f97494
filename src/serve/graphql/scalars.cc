#include "serve/graphql/scalars.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/utf8.h"

namespace mao::graphql {
namespace {

// The number, if it is whole and fits; JSON clients may write 3 as 3.0.
std::optional<int64_t> WholeNumber(const Json& value) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (value.is_number_unsigned() &&
      value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (number != std::floor(number) || number < -kTwoTo63 || number >= kTwoTo63) return std::nullopt;
  return static_cast<int64_t>(number);
}

bool IsWhole(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
}

bool FitsInt32(int64_t number) {
  return number >= std::numeric_limits<int32_t>::min() &&
         number <= std::numeric_limits<int32_t>::max();
}

Result<Json> CoerceInt(const Json& value) {
  const auto number = WholeNumber(value);
  if (number && FitsInt32(*number)) return Json(*number);
  return InvalidArgumentError(fmt::format(
      "Int cannot represent {} value: {}",
      IsWhole(value) ? "non 32-bit signed integer" : "non-integer", InspectJson(value)));
}

Result<Json> ParseIntLiteral(const Value& value) {
  if (value.kind != Value::Kind::kInt) {
    return InvalidArgumentError(
        fmt::format("Int cannot represent non-integer value: {}", PrintValue(value)));
  }
  int32_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  if (std::from_chars(value.text.data(), end, number).ec != std::errc()) {
    return InvalidArgumentError(
        fmt::format("Int cannot represent non 32-bit signed integer value: {}", PrintValue(value)));
  }
  return Json(number);
}

Result<Json> CoerceFloat(const Json& value) {
  if (value.is_number() && std::isfinite(value.get<double>())) return value;
  return InvalidArgumentError(
      fmt::format("Float cannot represent non numeric value: {}", InspectJson(value)));
}

Result<Json> ParseFloatLiteral(const Value& value) {
  double number = 0;
  const char* const end = value.text.data() + value.text.size();
  const bool is_number = value.kind == Value::Kind::kInt || value.kind == Value::Kind::kFloat;
  if (is_number && std::from_chars(value.text.data(), end, number).ec == std::errc()) {
    return Json(number);
  }
  return InvalidArgumentError(
      fmt::format("Float cannot represent non numeric value: {}", PrintValue(value)));
}

Result<Json> ParseString(const Json& value) {
  if (value.is_string()) return value;
  return InvalidArgumentError(
      fmt::format("String cannot represent a non string value: {}", InspectJson(value)));
}

Result<Json> SerializeString(const Json& value) {
  if (value.is_string()) return value;
  return InvalidArgumentError(fmt::format("String cannot represent value: {}", InspectJson(value)));
}

Result<Json> ParseStringLiteral(const Value& value) {
  if (value.kind == Value::Kind::kString) return Json(value.text);
  return InvalidArgumentError(
      fmt::format("String cannot represent a non string value: {}", PrintValue(value)));
}

Result<Json> CoerceBoolean(const Json& value) {
  if (value.is_boolean()) return value;
  return InvalidArgumentError(
      fmt::format("Boolean cannot represent a non boolean value: {}", InspectJson(value)));
}

Result<Json> ParseBooleanLiteral(const Value& value) {
  if (value.kind == Value::Kind::kBoolean) return Json(value.text == "true");
  return InvalidArgumentError(
      fmt::format("Boolean cannot represent a non boolean value: {}", PrintValue(value)));
}

Result<Json> CoerceId(const Json& value) {
  if (value.is_string()) return value;
  if (const auto number = WholeNumber(value)) return Json(std::to_string(*number));
  return InvalidArgumentError(fmt::format("ID cannot represent value: {}", InspectJson(value)));
}

Result<Json> ParseIdLiteral(const Value& value) {
  if (value.kind == Value::Kind::kString || value.kind == Value::Kind::kInt) {
    return Json(value.text);
  }
  return InvalidArgumentError(
      fmt::format("ID cannot represent a non-string and non-integer value: {}", PrintValue(value)));
}

constexpr size_t kMaxInspectedBytes = 200;
constexpr size_t kMaxInspectedItems = 10;
constexpr int kMaxInspectedDepth = 2;

// The form of graphql-js's inspect(). Stops once `out` is longer than what will be shown.
void AppendInspected(const Json& value, int depth, std::string& out) {
  if (out.size() > kMaxInspectedBytes) return;
  if (value.is_string()) {
    // Cut before it is quoted: the string may be a whole page.
    out += DumpJson(Json(Abbreviate(value.get_ref<const std::string&>())));
    return;
  }
  if (!value.is_structured() || value.empty()) {
    const auto whole = WholeNumber(value);
    out += whole ? std::to_string(*whole) : DumpJson(value);  // 3.0 as 3
    return;
  }
  if (depth >= kMaxInspectedDepth) {
    out += value.is_array() ? "[Array]" : "[Object]";
    return;
  }
  size_t index = 0;
  out += value.is_array() ? "[" : "{ ";
  for (const auto& [key, item] : value.items()) {
    if (value.is_array() && index == kMaxInspectedItems) break;
    if (out.size() > kMaxInspectedBytes) return;
    if (index++ > 0) out += ", ";
    if (value.is_object()) out.append(Abbreviate(key)).append(": ");
    AppendInspected(item, depth + 1, out);
  }
  const size_t remaining = value.size() - index;
  if (remaining > 0) {
    out += fmt::format(", ... {} more item{}", remaining, remaining == 1 ? "" : "s");
  }
  out += value.is_array() ? "]" : " }";
}

Result<Json> CoerceAny(const Json& value) { return value; }

Result<Json> CoerceLong(const Json& value) {
  if (const auto number = WholeNumber(value)) return Json(*number);
  return InvalidArgumentError(fmt::format("Long cannot represent value: {}", InspectJson(value)));
}

bool IsBase64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  for (const char c : text) {
    const bool known = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '+' || c == '/';
    if (!known) return false;
  }
  return true;
}

Result<Json> CoerceBase64(const Json& value) {
  if (value.is_string() && IsBase64(value.get_ref<const std::string&>())) return value;
  return InvalidArgumentError(fmt::format("Base64 cannot represent value: {}", InspectJson(value)));
}

}  // namespace

const ScalarCodecs& BuiltinScalars() {
  static const ScalarCodecs codecs = {
      {"String", {ParseString, SerializeString, ParseStringLiteral}},
      {"Int", {CoerceInt, CoerceInt, ParseIntLiteral}},
      {"Float", {CoerceFloat, CoerceFloat, ParseFloatLiteral}},
      {"Boolean", {CoerceBoolean, CoerceBoolean, ParseBooleanLiteral}},
      {"ID", {CoerceId, CoerceId, ParseIdLiteral}},
  };
  return codecs;
}

const ScalarCodecs& CommonScalars() {
  static const ScalarCodecs codecs = {
      {"JSON", {CoerceAny, CoerceAny, nullptr}},
      {"Long", {CoerceLong, CoerceLong, nullptr}},
      {"Base64", {CoerceBase64, CoerceBase64, nullptr}},
  };
  return codecs;
}

std::string InspectJson(const Json& value) {
  std::string out;
  AppendInspected(value, 0, out);
  return Abbreviate(out, kMaxInspectedBytes);
}

}  // namespace mao::graphql
