// A parsed JSON text, for the .cc files of this folder alone: it brings in all of simdjson.
// Why simdjson for this folder: it shows an object's duplicate keys instead of merging them, has a
// depth limit and reports errors as values; a header or index of some MB costs milliseconds.
#ifndef MAOOCR_WEIGHTS_JSON_DOCUMENT_H_
#define MAOOCR_WEIGHTS_JSON_DOCUMENT_H_

#include <memory>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/status.h"

namespace mao {

class JsonDocument {
 public:
  static constexpr size_t kMaxDepth = 64;

  // Errors, all naming `name`: OutOfRange (more than max_bytes, nested deeper than kMaxDepth),
  // DataLoss (not JSON, not an object at the top, the same key twice in one object).
  static Result<std::unique_ptr<JsonDocument>> Parse(std::string_view text, std::string_view name,
                                                     size_t max_bytes);

  // Valid, as everything reached from it, while the document lives.
  simdjson::dom::element root() const { return root_; }
  simdjson::dom::object object() const { return object_; }  // the root as what it is

 private:
  JsonDocument() = default;

  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
  simdjson::dom::object object_;
};

// The value as compact JSON, cut to some 60 bytes, for messages.
std::string Excerpt(simdjson::dom::element value);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_JSON_DOCUMENT_H_
