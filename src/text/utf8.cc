#include "text/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <utf8proc.h>

namespace mao {

namespace {

struct LeadByte {
  size_t size;        // bytes of the sequence, 0 for a byte that starts none
  unsigned char low;  // allowed range of the second byte
  unsigned char high;
};

LeadByte ClassifyLead(unsigned char lead) {
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

size_t AsciiPrefix(const char* data, size_t size) {
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, data + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < size && static_cast<unsigned char>(data[i]) < 0x80) ++i;
  return i;
}

// Where the character that ends at text.size() starts; text is not empty.
size_t LastCharStart(std::string_view text) {
  size_t start = text.size() - 1;
  for (int i = 0; i < 3 && start > 0; ++i) {
    if ((static_cast<unsigned char>(text[start]) & 0xC0) != 0x80) break;
    --start;
  }
  return start;
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text, size_t pos) {
  using Kind = Utf8Char::Kind;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[pos + i]); };
  const size_t available = text.size() - pos;
  const unsigned char first = byte(0);
  if (first < 0x80) return {Kind::kValid, first, 1};
  const LeadByte lead = ClassifyLead(first);
  if (lead.size == 0) return {Kind::kInvalid, kReplacementChar, 1};
  char32_t code_point = first & (0x7Fu >> lead.size);
  for (size_t i = 1; i < lead.size; ++i) {
    if (i == available) return {Kind::kTruncated, kReplacementChar, i};
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return {Kind::kInvalid, kReplacementChar, i};
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  return {Kind::kValid, code_point, lead.size};
}

void AppendUtf8(char32_t c, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

size_t ValidUtf8Prefix(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    pos += AsciiPrefix(text.data() + pos, text.size() - pos);
    if (pos == text.size()) break;
    const Utf8Char c = DecodeUtf8(text, pos);
    if (c.kind != Utf8Char::Kind::kValid) break;
    pos += c.size;
  }
  return pos;
}

void AppendLossyUtf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.append(kReplacementUtf8);
    text.remove_prefix(DecodeUtf8(text, 0).size);
  }
}

void DrainCompleteUtf8(std::string& pending, std::string& out) {
  std::string_view rest = pending;
  while (!rest.empty()) {
    const size_t valid = ValidUtf8Prefix(rest);
    out.append(rest.substr(0, valid));
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    const Utf8Char bad = DecodeUtf8(rest, 0);
    if (bad.kind == Utf8Char::Kind::kTruncated) break;
    out.append(kReplacementUtf8);
    rest.remove_prefix(bad.size);
  }
  pending.erase(0, pending.size() - rest.size());
}

bool IsWhitespace(char32_t c) {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || c == 0x20;
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool IsWordChar(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      // The joiners, and the circled letters that are Alphabetic without being of category L.
      return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9);
  }
}

size_t LeadingWhitespace(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    const Utf8Char c = DecodeUtf8(text, pos);
    if (!IsWhitespace(c.code_point)) break;
    pos += c.size;
  }
  return pos;
}

size_t TrailingWhitespaceStart(std::string_view text) {
  while (!text.empty()) {
    const size_t start = LastCharStart(text);
    if (!IsWhitespace(DecodeUtf8(text, start).code_point)) break;
    text = text.substr(0, start);
  }
  return text.size();
}

bool StartsWithWordChar(std::string_view text) {
  return !text.empty() && IsWordChar(DecodeUtf8(text, 0).code_point);
}

bool EndsWithWordChar(std::string_view text) {
  return !text.empty() && IsWordChar(DecodeUtf8(text, LastCharStart(text)).code_point);
}

}  // namespace mao
