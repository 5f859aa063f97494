// The little of UTF-8 that a GraphQL document needs.
#ifndef MAOOCR_SERVE_GRAPHQL_UTF8_H_
#define MAOOCR_SERVE_GRAPHQL_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mao::graphql {

// Bytes from the start of `text` that are well-formed UTF-8 (Unicode 15, table 3-7).
size_t WellFormedPrefix(std::string_view text);

// The character that starts at `pos` of well-formed text.
char32_t CodePointAt(std::string_view text, size_t pos);

// `code_point` is a Unicode scalar value: below 0x110000 and no surrogate.
void AppendCodePoint(char32_t code_point, std::string& out);

inline bool IsScalarValue(char32_t code) {
  return code < 0xD800 || (code >= 0xE000 && code < 0x110000);
}

// UTF-16 code units of well-formed text: how JavaScript clients count columns.
size_t Utf16Length(std::string_view text);

// At most `max_bytes` from the start of well-formed text, whole characters.
std::string_view CutAtCharacter(std::string_view text, size_t max_bytes);

// The same, marked with "..." when something is cut away.
std::string Abbreviate(std::string_view text, size_t max_bytes = 200);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_UTF8_H_
