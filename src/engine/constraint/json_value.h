// A JSON text in memory, members in the order in which they were written.
#ifndef MAOOCR_ENGINE_CONSTRAINT_JSON_VALUE_H_
#define MAOOCR_ENGINE_CONSTRAINT_JSON_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

struct JsonValue {
  static constexpr int kMaxDepth = 64;

  enum class Kind { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  int64_t integer = 0;             // kInteger: a number without fraction that fits
  double number = 0;               // kInteger, kNumber
  std::string text;                // kString; of numbers, how they are written
  std::vector<std::string> names;  // kObject; distinct
  std::vector<JsonValue> items;    // kArray, kObject

  bool is_object() const { return kind == Kind::kObject; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_number() const { return kind == Kind::kInteger || kind == Kind::kNumber; }
  // A member's value, or null.
  const JsonValue* Find(std::string_view name) const;
  void SetMember(std::string_view name, JsonValue value);
  void EraseMember(std::string_view name);
  // Values in it, itself included.
  size_t CountValues() const;
};

// Equal as JSON values: numbers by value, members in any order.
bool operator==(const JsonValue& a, const JsonValue& b);

// Errors: InvalidArgument (not JSON, with the place; not UTF-8; nested deeper than kMaxDepth).
Result<JsonValue> ParseJsonValue(std::string_view json);

// The value that a JSON pointer (RFC 6901: empty, or parts that begin with "/") leads to, or null.
const JsonValue* FindByPointer(const JsonValue& root, std::string_view pointer);
// A name as a part of a pointer, without its "/".
std::string PointerPart(std::string_view name);

// Without spaces.
std::string WriteJsonValue(const JsonValue& value);
// A string with its quotes; only what must be escaped is.
std::string WriteJsonString(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_JSON_VALUE_H_
