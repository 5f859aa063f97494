// From Oniguruma's regular expressions (Ruby syntax, what Hugging Face tokenizers use) to PCRE2's.
#ifndef MAOOCR_TEXT_REGEX_SYNTAX_H_
#define MAOOCR_TEXT_REGEX_SYNTAX_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

// Rewrites the escapes whose meaning differs:
//   \s, \S  Unicode White_Space (PCRE2 would add U+180E);
//   \h, \H  hexadecimal digits (PCRE2: horizontal space).
// The anchors and the dot agree under PCRE2_MULTILINE and PCRE2_NEWLINE_LF.
// Unimplemented, because PCRE2 reads them otherwise or cannot express them: sets inside sets, &&,
// \S and \H inside a set, and group flags other than i and x.
Result<std::string> OnigurumaToPcre2(std::string_view pattern);

}  // namespace mao

#endif  // MAOOCR_TEXT_REGEX_SYNTAX_H_
