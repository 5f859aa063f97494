// The JSON form of results; its schema is in docs/output_format.md.
#ifndef MAOOCR_OCR_TO_JSON_H_
#define MAOOCR_OCR_TO_JSON_H_

#include <string>

#include "ocr/page_result.h"

namespace mao {

// One object, keys in the order of the schema; `pretty` indents by two spaces. Always valid JSON in
// valid UTF-8: bytes of a text that are not become U+FFFD, and numbers that are not finite null.
std::string PageResultToJson(const PageResult& page, bool pretty);

}  // namespace mao

#endif  // MAOOCR_OCR_TO_JSON_H_
