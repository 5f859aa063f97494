#include "serve/graphql/utf8.h"

#include <cstdint>

namespace mao::graphql {
namespace {

uint8_t Byte(std::string_view text, size_t pos) { return static_cast<uint8_t>(text[pos]); }

bool IsContinuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Bytes of the sequence that `lead` begins; 0 if none does.
size_t SequenceLength(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte excludes overlong forms, surrogates and values above U+10FFFF.
bool SecondByteFits(uint8_t lead, uint8_t second) {
  if (lead == 0xE0) return second >= 0xA0;
  if (lead == 0xED) return second < 0xA0;
  if (lead == 0xF0) return second >= 0x90;
  if (lead == 0xF4) return second < 0x90;
  return true;
}

// Length of the well-formed sequence at `pos`, or 0.
size_t WellFormedAt(std::string_view text, size_t pos) {
  const uint8_t lead = Byte(text, pos);
  const size_t length = SequenceLength(lead);
  if (length == 0 || length > text.size() - pos) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(Byte(text, pos + i))) return 0;
  }
  return length == 1 || SecondByteFits(lead, Byte(text, pos + 1)) ? length : 0;
}

}  // namespace

size_t WellFormedPrefix(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t length = WellFormedAt(text, pos);
    if (length == 0) break;
    pos += length;
  }
  return pos;
}

char32_t CodePointAt(std::string_view text, size_t pos) {
  const uint8_t lead = Byte(text, pos);
  const size_t length = SequenceLength(lead);
  if (length <= 1) return lead;
  char32_t code = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (Byte(text, pos + i) & 0x3F);
  return code;
}

void AppendCodePoint(char32_t code_point, std::string& out) {
  const auto append = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
    return;
  }
  if (code_point < 0x800) {
    append(0xC0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      append(0xE0 | (code_point >> 12));
    } else {
      append(0xF0 | (code_point >> 18));
      append(0x80 | ((code_point >> 12) & 0x3F));
    }
    append(0x80 | ((code_point >> 6) & 0x3F));
  }
  append(0x80 | (code_point & 0x3F));
}

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
