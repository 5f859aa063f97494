#include "weights/json_reader.h"

#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "weights/json_document.h"
#include "weights/message.h"

namespace mao {
namespace {

namespace dom = simdjson::dom;

// A whole number; above 2^53 a double no longer tells one from the next.
std::optional<int64_t> AsInt(dom::element value) {
  constexpr double kMaxExact = 9007199254740992.0;
  int64_t whole = 0;
  if (value.get(whole) == simdjson::SUCCESS) return whole;
  double real = 0;
  if (!value.is_double() || value.get(real) != simdjson::SUCCESS) return std::nullopt;
  if (std::abs(real) > kMaxExact || real != std::floor(real)) return std::nullopt;
  return static_cast<int64_t>(real);
}

std::optional<size_t> AsIndex(std::string_view part) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  return index;
}

}  // namespace

struct JsonReader::Value {
  dom::element element;
};

Result<JsonReader> JsonReader::Parse(std::string_view text, std::string_view name,
                                     size_t max_bytes) {
  MAO_ASSIGN_OR_RETURN(auto document, JsonDocument::Parse(text, name, max_bytes));
  return JsonReader(name, std::move(document));
}

JsonReader::JsonReader(std::string_view name, std::unique_ptr<JsonDocument> document)
    : name_(name), document_(std::move(document)) {}
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;
JsonReader::~JsonReader() = default;

bool JsonReader::Find(std::string_view path, Value* value, std::string* problem) const {
  dom::element current = document_->root();
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    dom::object object;
    dom::array array;
    dom::element next;
    if (current.get(object) == simdjson::SUCCESS) {
      if (object.at_key(part).get(next) != simdjson::SUCCESS) return false;
    } else if (const auto index = AsIndex(part);
               index.has_value() && current.get(array) == simdjson::SUCCESS) {
      if (array.at(*index).get(next) != simdjson::SUCCESS) return false;
    } else {
      *problem = fmt::format("{}: found {}, expected an object",
                             path.substr(0, begin == 0 ? 0 : begin - 1), Excerpt(current));
      return false;
    }
    if (next.is_null()) return false;
    current = next;
    begin = end + 1;
  }
  value->element = current;
  return true;
}

bool JsonReader::Get(std::string_view path, bool required, Value* value) {
  std::string problem;
  if (Find(path, value, &problem)) return true;
  if (problem.empty() && required) problem = fmt::format("{}: missing", path);
  if (!problem.empty()) problems_.push_back(std::move(problem));
  return false;
}

void JsonReader::AddWrong(std::string_view path, const Value& found, std::string_view allowed) {
  problems_.push_back(
      fmt::format("{}: found {}, allowed is {}", path, Excerpt(found.element), allowed));
}

bool JsonReader::Has(std::string_view path) const {
  Value value;
  std::string problem;
  return Find(path, &value, &problem);
}

int64_t JsonReader::ReadInt(std::string_view path, bool required, int64_t fallback, int64_t min,
                            int64_t max) {
  Value value;
  if (!Get(path, required, &value)) return fallback;
  const auto number = AsInt(value.element);
  if (number.has_value() && *number >= min && *number <= max) return *number;
  AddWrong(path, value, fmt::format("a whole number from {} to {}", min, max));
  return fallback;
}

int64_t JsonReader::Int(std::string_view path, int64_t default_value, int64_t min, int64_t max) {
  return ReadInt(path, false, default_value, min, max);
}

int64_t JsonReader::RequiredInt(std::string_view path, int64_t min, int64_t max) {
  return ReadInt(path, true, min, min, max);
}

double JsonReader::ReadDouble(std::string_view path, bool required, double fallback, double min,
                              double max) {
  Value value;
  if (!Get(path, required, &value)) return fallback;
  double number = 0;
  if (value.element.get(number) == simdjson::SUCCESS && number >= min && number <= max) {
    return number;
  }
  AddWrong(path, value, fmt::format("a number from {} to {}", min, max));
  return fallback;
}

double JsonReader::Double(std::string_view path, double default_value, double min, double max) {
  return ReadDouble(path, false, default_value, min, max);
}

double JsonReader::RequiredDouble(std::string_view path, double min, double max) {
  return ReadDouble(path, true, min, min, max);
}

bool JsonReader::ReadBool(std::string_view path, bool required, bool fallback) {
  Value value;
  if (!Get(path, required, &value)) return fallback;
  bool flag = false;
  if (value.element.get(flag) == simdjson::SUCCESS) return flag;
  AddWrong(path, value, "true or false");
  return fallback;
}

bool JsonReader::Bool(std::string_view path, bool default_value) {
  return ReadBool(path, false, default_value);
}

bool JsonReader::RequiredBool(std::string_view path) { return ReadBool(path, true, false); }

std::string JsonReader::ReadString(std::string_view path, bool required,
                                   std::string_view fallback) {
  Value value;
  if (!Get(path, required, &value)) return std::string(fallback);
  std::string_view text;
  if (value.element.get(text) == simdjson::SUCCESS) return std::string(text);
  AddWrong(path, value, "a string");
  return std::string(fallback);
}

std::string JsonReader::String(std::string_view path, std::string_view default_value) {
  return ReadString(path, false, default_value);
}

std::string JsonReader::RequiredString(std::string_view path) { return ReadString(path, true, ""); }

std::vector<int64_t> JsonReader::ReadIntList(std::string_view path, bool required,
                                             std::vector<int64_t> fallback, int64_t min,
                                             int64_t max, size_t max_size) {
  Value value;
  if (!Get(path, required, &value)) return fallback;
  std::vector<int64_t> numbers;
  const auto append = [&](dom::element item) {
    const auto number = AsInt(item);
    if (!number.has_value() || *number < min || *number > max) return false;
    numbers.push_back(*number);
    return numbers.size() <= max_size;
  };
  dom::array array;
  bool valid = true;
  if (value.element.get(array) == simdjson::SUCCESS) {
    for (const dom::element item : array) valid = valid && append(item);
  } else {
    valid = append(value.element);
  }
  if (valid) return numbers;
  AddWrong(path, value,
           fmt::format("a list of at most {} whole numbers from {} to {}", max_size, min, max));
  return fallback;
}

std::vector<int64_t> JsonReader::IntList(std::string_view path, std::vector<int64_t> default_value,
                                         int64_t min, int64_t max, size_t max_size) {
  return ReadIntList(path, false, std::move(default_value), min, max, max_size);
}

std::vector<int64_t> JsonReader::RequiredIntList(std::string_view path, int64_t min, int64_t max,
                                                 size_t max_size) {
  return ReadIntList(path, true, {}, min, max, max_size);
}

std::vector<std::pair<std::string, std::string>> JsonReader::RequiredStringMap(
    std::string_view path) {
  std::vector<std::pair<std::string, std::string>> entries;
  Value value;
  if (!Get(path, true, &value)) return entries;
  dom::object object;
  if (value.element.get(object) != simdjson::SUCCESS) {
    AddWrong(path, value, "an object");
    return entries;
  }
  for (const dom::key_value_pair field : object) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) {
      AddWrong(fmt::format("{}.{}", path, Quoted(field.key)), {field.value}, "a string");
      return {};
    }
    entries.emplace_back(field.key, text);
  }
  return entries;
}

Status JsonReader::status() const {
  if (problems_.empty()) return OkStatus();
  return InvalidArgumentError(fmt::format("{}: {}", name_, fmt::join(problems_, "; ")));
}

}  // namespace mao
