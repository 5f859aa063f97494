// Pairs of key and value on a page, found by its form alone: no model is asked.
#ifndef MAOOCR_OCR_KEY_VALUES_H_
#define MAOOCR_OCR_KEY_VALUES_H_

#include <span>
#include <string>
#include <vector>

#include "ocr/page_result.h"

namespace mao {

inline constexpr size_t kMaxKeyBytes = 200;
inline constexpr size_t kMaxKeyValues = 4096;

struct KeyValue {
  std::string key;    // as on the page, without its colon
  std::string value;  // not empty
  bool operator==(const KeyValue&) const = default;
};

// In the order of the page: lines "key: value" (also with a full-width colon), and the rows of HTML
// tables that have two cells; in other tables the cells that are such lines. A key has a letter,
// and at most kMaxKeyBytes; "10:30" and "https://" hold none. Marks of Markdown (#, -, **) are not
// part of either. Equal keys (FoldKey) beyond the first are left out, and pairs beyond kMaxKeyValues. Linear time.
std::vector<KeyValue> FindKeyValues(std::span<const PageBlock> blocks);

}  // namespace mao

#endif  // MAOOCR_OCR_KEY_VALUES_H_
