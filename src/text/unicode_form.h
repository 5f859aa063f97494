// The four Unicode normalization forms.
#ifndef MAOOCR_TEXT_UNICODE_FORM_H_
#define MAOOCR_TEXT_UNICODE_FORM_H_

#include <string>

#include "base/status.h"

namespace mao {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };

// `text` (valid UTF-8) in that form (Unicode Standard Annex 15). Takes O(n log n) time even for
// megabytes of combining marks. Errors: Internal only.
Result<std::string> ToUnicodeForm(std::string text, UnicodeForm form);

}  // namespace mao

#endif  // MAOOCR_TEXT_UNICODE_FORM_H_
