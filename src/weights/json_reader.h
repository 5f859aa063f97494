// Typed reading of configuration files (config.json and its kin) that come from outside.
//
// A path names a key in nested objects ("vision_config.width"); a decimal part indexes an array
// ("architectures.0"). Keys that contain a dot cannot be named. null counts as absent.
// A problem (missing, wrong type, outside the allowed range) never stops the reading: the reader
// returns a value that is safe to compute with, remembers the problem, and status() tells all.
#ifndef MAOOCR_WEIGHTS_JSON_READER_H_
#define MAOOCR_WEIGHTS_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace mao {

class JsonDocument;

class JsonReader {
 public:
  static constexpr size_t kMaxBytes = size_t{1} << 20;

  // Errors, naming `name`: OutOfRange (more than max_bytes, nested deeper than 64 levels),
  // DataLoss (not JSON, not an object, the same key twice in one object).
  static Result<JsonReader> Parse(std::string_view text, std::string_view name,
                                  size_t max_bytes = kMaxBytes);
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;
  ~JsonReader();

  // Whether a value other than null is there.
  bool Has(std::string_view path) const;

  // Whole numbers, also when written as 4.0. Both limits are allowed values. When the value is
  // wrong: the default; when the required one is missing or wrong: min.
  int64_t Int(std::string_view path, int64_t default_value, int64_t min, int64_t max);
  int64_t RequiredInt(std::string_view path, int64_t min, int64_t max);

  double Double(std::string_view path, double default_value, double min, double max);
  double RequiredDouble(std::string_view path, double min, double max);

  bool Bool(std::string_view path, bool default_value);
  bool RequiredBool(std::string_view path);

  std::string String(std::string_view path, std::string_view default_value);
  std::string RequiredString(std::string_view path);

  // A list of whole numbers, each within the limits; a bare number counts as a list of one (as
  // eos_token_id is written). When the required one is missing or wrong: an empty list.
  std::vector<int64_t> IntList(std::string_view path, std::vector<int64_t> default_value,
                               int64_t min, int64_t max, size_t max_size);
  std::vector<int64_t> RequiredIntList(std::string_view path, int64_t min, int64_t max,
                                       size_t max_size);

  // An object whose values are all strings, in the order of the file.
  std::vector<std::pair<std::string, std::string>> RequiredStringMap(std::string_view path);

  // Ok, or one InvalidArgument that names the file and, for every problem, the key path, the value
  // found and what is allowed.
  Status status() const;

 private:
  struct Value;  // a JSON value; simdjson stays out of this header

  JsonReader(std::string_view name, std::unique_ptr<JsonDocument> document);

  // Whether `path` holds a value other than null. A part of the path that is no object or array is
  // told in `problem`.
  bool Find(std::string_view path, Value* value, std::string* problem) const;
  // The same, remembering problems; `required` makes absence one.
  bool Get(std::string_view path, bool required, Value* value);
  int64_t ReadInt(std::string_view path, bool required, int64_t fallback, int64_t min, int64_t max);
  double ReadDouble(std::string_view path, bool required, double fallback, double min, double max);
  bool ReadBool(std::string_view path, bool required, bool fallback);
  std::string ReadString(std::string_view path, bool required, std::string_view fallback);
  std::vector<int64_t> ReadIntList(std::string_view path, bool required,
                                   std::vector<int64_t> fallback, int64_t min, int64_t max,
                                   size_t max_size);
  void AddWrong(std::string_view path, const Value& found, std::string_view allowed);

  std::string name_;
  std::unique_ptr<JsonDocument> document_;
  std::vector<std::string> problems_;
};

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_JSON_READER_H_
