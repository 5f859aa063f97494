// The little that stores need of texts: whether one is JSON, and how it is cut or put in one line.
#ifndef MAOOCR_SERVE_STORE_JSON_TEXT_H_
#define MAOOCR_SERVE_STORE_JSON_TEXT_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

// InvalidArgument, naming `name`, unless `text` is one JSON value in UTF-8. Takes linear time and a
// bit of memory for each level of nesting.
Status CheckJson(std::string_view text, std::string_view name);

// `json` (valid) in one line. Line ends stand only between its tokens: in strings they are escaped.
std::string OneLineJson(std::string json);

// `text` cut to at most max_bytes, between characters.
std::string_view CutUtf8(std::string_view text, size_t max_bytes);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_JSON_TEXT_H_
