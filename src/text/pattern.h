// What a tokenizer.json calls a pattern: a plain string or a regular expression.
#ifndef MAOOCR_TEXT_PATTERN_H_
#define MAOOCR_TEXT_PATTERN_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/regex.h"

namespace mao {

class Pattern {
 public:
  // An empty literal matches nothing.
  static Pattern Literal(std::string_view text) { return Pattern(std::string(text)); }
  static Result<Pattern> FromRegex(std::string_view expression);

  // All matches from left to right, without overlap; overwrites `matches`. Only an expression can
  // fail (see Regex::FindAll).
  Status FindAll(std::string_view text, RegexScratch& scratch,
                 std::vector<TextRange>& matches) const;

 private:
  explicit Pattern(std::variant<std::string, Regex> form) : form_(std::move(form)) {}

  std::variant<std::string, Regex> form_;
};

// `text` with every match of `pattern` replaced by `content`. Errors: those of FindAll, and
// OutOfRange when the result would be longer than kMaxReplacedBytes.
inline constexpr size_t kMaxReplacedBytes = size_t{64} << 20;
Result<std::string> ReplaceAll(std::string_view text, const Pattern& pattern,
                               std::string_view content, RegexScratch& scratch);

}  // namespace mao

#endif  // MAOOCR_TEXT_PATTERN_H_
