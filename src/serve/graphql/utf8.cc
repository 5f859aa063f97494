#include "serve/graphql/utf8.h"

#include <cstdint>

namespace mao::graphql {
namespace {

uint8_t Byte(std::string_view text, size_t pos) { return static_cast<uint8_t>(text[pos]); }

bool IsContinuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

size_t Utf16Length(std::string_view text) {
  size_t units = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsContinuation(Byte(text, i))) continue;
    units += Byte(text, i) >= 0xF0 ? 2 : 1;
  }
  return units;
}

std::string_view CutAtCharacter(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && IsContinuation(Byte(text, end))) --end;
  return text.substr(0, end);
}

std::string Abbreviate(std::string_view text, size_t max_bytes) {
  const std::string_view cut = CutAtCharacter(text, max_bytes);
  return cut.size() < text.size() ? std::string(cut) + "..." : std::string(cut);
}

}  // namespace mao::graphql
