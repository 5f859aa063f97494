// The little of UTF-8 that GraphQL documents need beyond text/utf8.h.
#ifndef MAOOCR_SERVE_GRAPHQL_UTF8_H_
#define MAOOCR_SERVE_GRAPHQL_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mao::graphql {

// Whether text may have this character: below 0x110000 and no surrogate.
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
