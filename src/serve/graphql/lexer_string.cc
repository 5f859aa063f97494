// The strings of a document: escapes and block strings.
#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "serve/graphql/lexer.h"
#include "serve/graphql/utf8.h"
#include "text/utf8.h"

namespace mao::graphql {
namespace {

int HexDigit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// What the letter behind a backslash stands for, or 0.
char SimpleEscape(int c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return static_cast<char>(c);
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

size_t LeadingWhitespace(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\n' && text[i] != '\r') continue;
    lines.push_back(text.substr(start, i - start));
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    start = i + 1;
  }
  lines.push_back(text.substr(start));
  return lines;
}

}  // namespace

std::string BlockStringValue(std::string_view raw) {
  std::vector<std::string_view> lines = SplitLines(raw);
  size_t common_indent = raw.size();
  size_t first = lines.size();
  size_t last = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t indent = LeadingWhitespace(lines[i]);
    if (indent == lines[i].size()) continue;  // a blank line sets no indent
    first = std::min(first, i);
    last = i;
    if (i > 0) common_indent = std::min(common_indent, indent);
  }
  std::string value;
  for (size_t i = first; i <= last && i < lines.size(); ++i) {
    if (i > first) value += '\n';
    value += i == 0 ? lines[i] : lines[i].substr(std::min(common_indent, lines[i].size()));
  }
  return value;
}

bool Lexer::ReadString(Token& token) {
  size_t pos = pos_ + 1;
  const size_t start = pos;
  std::string decoded;  // of what stands before `copied`
  size_t copied = start;
  bool has_escapes = false;
  while (pos < source_.size() && At(pos) != '\n' && At(pos) != '\r') {
    if (At(pos) == '"') {
      token.kind = TokenKind::kString;
      token.text = source_.substr(start, pos - start);
      if (has_escapes) {
        decoded += source_.substr(copied, pos - copied);
        token.text = strings_.emplace_back(std::move(decoded));
      }
      pos_ = pos + 1;
      return true;
    }
    if (At(pos) != '\\') {
      ++pos;
      continue;
    }
    has_escapes = true;
    decoded += source_.substr(copied, pos - copied);
    if (!ReadEscape(pos, decoded)) return false;
    copied = pos;
  }
  return Fail(pos, "Unterminated string.");
}

bool Lexer::ReadEscape(size_t& pos, std::string& out) {
  if (At(pos + 1) == 'u') {
    return At(pos + 2) == '{' ? ReadBracedUnicode(pos, out) : ReadFixedUnicode(pos, out);
  }
  const char escaped = SimpleEscape(At(pos + 1));
  if (escaped == 0) {
    std::string sequence = "\\";
    if (pos + 1 < source_.size()) AppendUtf8(DecodeUtf8(source_, pos + 1).code_point, sequence);
    return Fail(pos, fmt::format("Invalid character escape sequence: \"{}\".", sequence));
  }
  out += escaped;
  pos += 2;
  return true;
}

bool Lexer::ReadBracedUnicode(size_t& pos, std::string& out) {
  constexpr size_t kMaxDigits = 8;
  uint32_t code = 0;
  size_t end = pos + 3;
  while (end < pos + 3 + kMaxDigits && HexDigit(At(end)) >= 0) {
    code = code << 4 | static_cast<uint32_t>(HexDigit(At(end)));
    ++end;
  }
  if (At(end) != '}' || end == pos + 3 || !IsScalarValue(code)) {
    return Fail(pos, fmt::format("Invalid Unicode escape sequence: \"{}\".",
                                 CutAtCharacter(source_.substr(pos), end + 1 - pos)));
  }
  AppendUtf8(code, out);
  pos = end + 1;
  return true;
}

int32_t Lexer::FourHexDigits(size_t pos) const {
  int32_t code = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int digit = HexDigit(At(pos + i));
    if (digit < 0) return -1;
    code = code << 4 | digit;
  }
  return code;
}

bool Lexer::ReadFixedUnicode(size_t& pos, std::string& out) {
  const int32_t code = FourHexDigits(pos + 2);
  if (code >= 0 && IsScalarValue(static_cast<char32_t>(code))) {
    AppendUtf8(static_cast<char32_t>(code), out);
    pos += 6;
    return true;
  }
  // As in JSON, two escapes may form a surrogate pair.
  const bool leads = code >= 0xD800 && code <= 0xDBFF;
  if (leads && At(pos + 6) == '\\' && At(pos + 7) == 'u') {
    const int32_t trail = FourHexDigits(pos + 8);
    if (trail >= 0xDC00 && trail <= 0xDFFF) {
      AppendUtf8(static_cast<char32_t>(0x10000 + ((code - 0xD800) << 10) + (trail - 0xDC00)), out);
      pos += 12;
      return true;
    }
  }
  return Fail(pos, fmt::format("Invalid Unicode escape sequence: \"{}\".",
                               CutAtCharacter(source_.substr(pos), 6)));
}

bool Lexer::ReadBlockString(Token& token) {
  size_t pos = pos_ + 3;
  std::string raw;
  size_t copied = pos;
  while (pos < source_.size()) {
    if (source_.substr(pos, 3) == "\"\"\"") {
      raw += source_.substr(copied, pos - copied);
      token.kind = TokenKind::kBlockString;
      token.text = strings_.emplace_back(BlockStringValue(raw));
      pos_ = pos + 3;
      return true;
    }
    if (source_.substr(pos, 4) == "\\\"\"\"") {
      raw += source_.substr(copied, pos - copied);
      copied = pos + 1;  // the backslash goes, the quotes stay
      pos += 4;
    } else {
      ++pos;
    }
  }
  return Fail(pos, "Unterminated string.");
}

}  // namespace mao::graphql
