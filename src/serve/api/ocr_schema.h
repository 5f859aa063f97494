// Keys that a client wants to have filled from a page.
#ifndef MAOOCR_SERVE_API_OCR_SCHEMA_H_
#define MAOOCR_SERVE_API_OCR_SCHEMA_H_

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ocr/key_values.h"

namespace mao {

struct FilledSchema {
  nlohmann::ordered_json data;
  std::vector<std::string> missing;  // keys without a value, nested ones as "a.b"
};

// `schema` is an example object ({"Total": "", "Seller": {"Name": ""}}), a JSON schema with
// properties (whose titles count as names too), or an array of keys. Values are the strings that
// stand on the page; a key that is not there, or is to be a list, gets null. Keys match by FoldKey.
// Null as schema: all pairs as they are.
FilledSchema FillSchema(const nlohmann::ordered_json& schema, std::span<const KeyValue> pairs);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_SCHEMA_H_
