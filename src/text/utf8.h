// UTF-8 reading and writing that is safe on any bytes, and the two character classes that Hugging
// Face tokenizers use on added tokens.
#ifndef MAOOCR_TEXT_UTF8_H_
#define MAOOCR_TEXT_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mao {

inline constexpr char32_t kReplacementChar = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

struct Utf8Char {
  enum class Kind {
    kValid,
    kInvalid,    // no continuation could make these bytes valid
    kTruncated,  // the text ends inside a sequence that is good so far
  };
  Kind kind;
  char32_t code_point;  // kReplacementChar unless valid
  size_t size;          // bytes used, at least 1; the "maximal subpart" when not valid
};

// The character at `pos` < text.size(). Surrogates and overlong forms are invalid. An ill-formed
// stretch is cut into maximal subparts (Unicode 15, 3.9, U+FFFD Substitution), as Rust and Python
// do, so that one U+FFFD per returned piece gives the same text as theirs.
Utf8Char DecodeUtf8(std::string_view text, size_t pos);

void AppendUtf8(char32_t code_point, std::string& out);

// Bytes from the start of `text` that are valid UTF-8.
size_t ValidUtf8Prefix(std::string_view text);
inline bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// Appends `text` with every ill-formed piece replaced by U+FFFD.
void AppendLossyUtf8(std::string_view text, std::string& out);

// Appends what of `pending` is certain, replacing ill-formed pieces, and leaves in `pending` only a
// last sequence that more bytes could complete (at most 3 bytes).
void DrainCompleteUtf8(std::string& pending, std::string& out);

// Unicode White_Space.
bool IsWhitespace(char32_t c);

// The \w of Unicode TS 18 (letters, marks, decimal digits, connectors, joiners).
bool IsWordChar(char32_t c);

// Bytes of white space at the start of `text`, and where the white space at its end starts.
size_t LeadingWhitespace(std::string_view text);
size_t TrailingWhitespaceStart(std::string_view text);

bool StartsWithWordChar(std::string_view text);
bool EndsWithWordChar(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_TEXT_UTF8_H_
