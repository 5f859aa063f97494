// JSON from clients.
#ifndef MAOOCR_SERVE_API_JSON_H_
#define MAOOCR_SERVE_API_JSON_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace mao {

inline constexpr int kMaxJsonDepth = 64;

// InvalidArgument says where the text is wrong, or that it nests deeper than kMaxJsonDepth. Large
// strings (images as base64) are read at the speed of simdjson.
Result<nlohmann::json> ParseJson(std::string_view text);
// With the names of objects in the order in which they were written; looking them up takes time that
// grows with their number, so it is for small documents.
Result<nlohmann::ordered_json> ParseOrderedJson(std::string_view text);

// The compact text of the value at `path` ({"response_format", "json_schema", "schema"}), with its
// names in the order in which they were written; nlohmann::json sorts them. NotFound if it is not
// there.
Result<std::string> JsonTextAt(std::string_view text, std::span<const std::string_view> path);

// Compact, and always valid UTF-8: bytes that are not become U+FFFD.
std::string DumpJson(const nlohmann::json& json);
std::string DumpJson(const nlohmann::ordered_json& json);

// Reads fields of an object. An absent or null field leaves the value as it is; the first one of a
// wrong type is kept as the error, and what follows is still read.
class JsonFields {
 public:
  // `path` is put in front of the names in messages ("stream_options.").
  explicit JsonFields(const nlohmann::json& object, std::string path = "");

  template <typename T>
  JsonFields& Read(const char* name, T& value) {
    const nlohmann::json* field = Find(name);
    if (field != nullptr) Assign(*field, name, value);
    return *this;
  }
  template <typename T>
  JsonFields& Read(const char* name, std::optional<T>& value) {
    const nlohmann::json* field = Find(name);
    if (field != nullptr) Assign(*field, name, value.emplace());
    return *this;
  }
  // Null: absent or null.
  const nlohmann::json* Find(const char* name) const;
  void Fail(std::string_view name, std::string_view expected);

  const Status& status() const { return status_; }

 private:
  void Assign(const nlohmann::json& field, const char* name, bool& value);
  void Assign(const nlohmann::json& field, const char* name, int& value);
  void Assign(const nlohmann::json& field, const char* name, uint64_t& value);
  void Assign(const nlohmann::json& field, const char* name, float& value);
  void Assign(const nlohmann::json& field, const char* name, std::string& value);
  void Assign(const nlohmann::json& field, const char* name, std::vector<std::string>& value);
  void Assign(const nlohmann::json& field, const char* name, std::vector<int>& value);

  const nlohmann::json& object_;
  std::string path_;
  Status status_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_JSON_H_
