// The kinds of values, for the rows of settings.cc. A Field is a function from SettingTarget to a
// reference to the value, T& or std::optional<T>&.
#ifndef MAOOCR_SERVE_CONFIG_SETTING_TYPES_H_
#define MAOOCR_SERVE_CONFIG_SETTING_TYPES_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "serve/config/setting.h"

namespace mao::setting_types {

template <auto First, auto... Rest>
auto& Follow(auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return Follow<Rest...>(object.*First);
  }
}

// A member of ServeConfig, or of one of its parts.
template <auto... Members>
struct ServerField {
  auto& operator()(SettingTarget target) const { return Follow<Members...>(*target.config); }
};

// A member of ModelConfig.
template <auto Member>
struct ModelField {
  auto& operator()(SettingTarget target) const { return target.model->*Member; }
};

template <typename T>
struct OptionalTraits {
  using Value = T;
  static constexpr bool kIsOptional = false;
};
template <typename T>
struct OptionalTraits<std::optional<T>> {
  using Value = T;
  static constexpr bool kIsOptional = true;
};

template <typename Field>
using FieldTraits =
    OptionalTraits<std::remove_reference_t<decltype(std::declval<Field>()(SettingTarget()))>>;

// One text: parse returns an optional, empty if the text is not allowed.
template <typename Field, typename Parse, typename Format>
SettingType OneValue(SettingType::Kind kind, std::string placeholder, std::string allowed,
                     Field field, Parse parse, Format format) {
  SettingType type;
  type.kind = kind;
  type.placeholder = std::move(placeholder);
  type.allowed = std::move(allowed);
  type.set = [field, parse](SettingTarget target, const std::vector<std::string>& values) {
    if (values.size() != 1) return false;
    auto value = parse(values[0]);
    if (!value) return false;
    field(target) = *std::move(value);
    return true;
  };
  type.get = [field, format](SettingTarget target) -> std::vector<std::string> {
    const auto& value = field(target);
    if constexpr (FieldTraits<Field>::kIsOptional) {
      if (!value) return {};
      return {format(*value)};
    } else {
      return {format(value)};
    }
  };
  return type;
}

std::optional<int64_t> ParseWholeNumber(std::string_view text);
std::optional<double> ParseNumber(std::string_view text);  // finite
std::optional<bool> ParseSwitch(std::string_view text);
std::string FormatNumber(double value);  // the shortest text that reads back as it
std::string WholeNumberAllowed(int64_t min, int64_t max, int64_t multiple_of);
std::string NumberAllowed(double min, double max, bool above_min);
bool EqualIgnoringCase(std::string_view a, std::string_view b);

template <typename Field>
SettingType WholeNumber(Field field, int64_t min, int64_t max, int64_t multiple_of = 1) {
  using Value = typename FieldTraits<Field>::Value;
  const auto parse = [=](std::string_view text) -> std::optional<Value> {
    const std::optional<int64_t> value = ParseWholeNumber(text);
    if (!value || *value < min || *value > max || *value % multiple_of != 0) return std::nullopt;
    return static_cast<Value>(*value);
  };
  return OneValue(SettingType::Kind::kNumber, "N", WholeNumberAllowed(min, max, multiple_of), field,
                  parse, [](Value value) { return std::to_string(value); });
}

// above_min: the least is not itself allowed.
template <typename Field>
SettingType Number(Field field, double min, double max, bool above_min = false) {
  const auto parse = [=](std::string_view text) {
    std::optional<double> value = ParseNumber(text);
    const bool is_allowed = value && *value <= max && (above_min ? *value > min : *value >= min);
    return is_allowed ? value : std::nullopt;
  };
  return OneValue(SettingType::Kind::kNumber, "X", NumberAllowed(min, max, above_min), field, parse,
                  FormatNumber);
}

template <typename Field>
SettingType Switch(Field field) {
  return OneValue(SettingType::Kind::kSwitch, "", "true or false (also yes, no, on, off, 1, 0)",
                  field, ParseSwitch, [](bool value) { return value ? "true" : "false"; });
}

template <typename Value>
using ChoiceRow = std::pair<std::string, Value>;

// Case does not count. Of several names for one value the first is shown.
template <typename Field, typename Value>
SettingType Choice(Field field, std::vector<ChoiceRow<Value>> rows) {
  std::string names;
  for (const auto& row : rows) names += (names.empty() ? "" : ", ") + row.first;
  const auto parse = [rows](std::string_view text) -> std::optional<Value> {
    for (const auto& [name, value] : rows) {
      if (EqualIgnoringCase(name, text)) return value;
    }
    return std::nullopt;
  };
  const auto format = [rows](const Value& value) {
    for (const auto& [name, each] : rows) {
      if (each == value) return name;
    }
    return std::string();
  };
  return OneValue(SettingType::Kind::kText, "NAME", "one of " + names, field, parse, format);
}

// What a text may be. All of these bound its length.
struct TextRule {
  std::string_view placeholder;
  std::string_view allowed;
  bool (*is_allowed)(std::string_view text);
  bool may_be_empty = true;
};
extern const TextRule kPath;
extern const TextRule kFolder;
extern const TextRule kHost;
extern const TextRule kIdentifier;  // letters, digits, '_', '-', '.'
extern const TextRule kModelName;
extern const TextRule kSecret;
extern const TextRule kUrl;  // http or https
extern const TextRule kDomain;
extern const TextRule kOrigin;

template <typename Field>
SettingType Text(Field field, const TextRule& rule) {
  const auto parse = [rule](const std::string& text) -> std::optional<std::string> {
    const bool is_allowed = text.empty() ? rule.may_be_empty : rule.is_allowed(text);
    return is_allowed ? std::optional(text) : std::nullopt;
  };
  return OneValue(SettingType::Kind::kText, std::string(rule.placeholder),
                  std::string(rule.allowed), field, parse,
                  [](const std::string& text) { return text; });
}

inline constexpr size_t kMaxListItems = 256;
std::string ListAllowed(const TextRule& rule);

template <typename Field>
SettingType List(Field field, const TextRule& rule) {
  SettingType type;
  type.kind = SettingType::Kind::kList;
  type.placeholder = std::string(rule.placeholder) + ",...";
  type.allowed = ListAllowed(rule);
  type.set = [field, rule](SettingTarget target, const std::vector<std::string>& values) {
    if (values.size() > kMaxListItems) return false;
    for (const std::string& value : values) {
      if (value.empty() || !rule.is_allowed(value)) return false;
    }
    field(target) = values;
    return true;
  };
  type.get = [field](SettingTarget target) { return field(target); };
  return type;
}

}  // namespace mao::setting_types

#endif  // MAOOCR_SERVE_CONFIG_SETTING_TYPES_H_
