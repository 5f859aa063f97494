#include "serve/graphql/lexer.h"

#include <array>

#include <fmt/core.h>

#include "serve/graphql/utf8.h"
#include "text/utf8.h"

namespace mao::graphql {
namespace {

bool IsDigit(int c) { return c >= '0' && c <= '9'; }
bool IsNameStart(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNameContinue(int c) { return IsNameStart(c) || IsDigit(c); }

TokenKind PunctuatorKind(int c) {
  switch (c) {
    case '!':
      return TokenKind::kBang;
    case '$':
      return TokenKind::kDollar;
    case '&':
      return TokenKind::kAmp;
    case '(':
      return TokenKind::kParenL;
    case ')':
      return TokenKind::kParenR;
    case ':':
      return TokenKind::kColon;
    case '=':
      return TokenKind::kEquals;
    case '@':
      return TokenKind::kAt;
    case '[':
      return TokenKind::kBracketL;
    case ']':
      return TokenKind::kBracketR;
    case '{':
      return TokenKind::kBraceL;
    case '|':
      return TokenKind::kPipe;
    case '}':
      return TokenKind::kBraceR;
    default:
      return TokenKind::kEof;
  }
}

}  // namespace

std::string_view TokenKindText(TokenKind kind) {
  static constexpr std::array<std::string_view, 20> kTexts = {
      "<EOF>", "\"!\"", "\"$\"", "\"&\"", "\"(\"",  "\")\"",      "\"...\"",
      "\":\"", "\"=\"", "\"@\"", "\"[\"", "\"]\"",  "\"{\"",      "\"|\"",
      "\"}\"", "Name",  "Int",   "Float", "String", "BlockString"};
  return kTexts[static_cast<size_t>(kind)];
}

std::string TokenText(const Token& token) {
  if (token.kind < TokenKind::kName) return std::string(TokenKindText(token.kind));
  return fmt::format("{} \"{}\"", TokenKindText(token.kind), Abbreviate(token.text));
}

bool Lexer::Fail(size_t offset, std::string message) {
  error_offset_ = static_cast<uint32_t>(offset);
  error_message_ = std::move(message);
  return false;
}

bool Lexer::Finish(Token& token, TokenKind kind, size_t end) {
  token.kind = kind;
  if (kind >= TokenKind::kName) token.text = source_.substr(token.offset, end - token.offset);
  pos_ = end;
  return true;
}

// The character at `pos` as messages show it.
std::string Lexer::CharacterText(size_t pos) const {
  if (pos >= source_.size()) return "<EOF>";
  const char32_t code = DecodeUtf8(source_, pos).code_point;
  if (code == '"') return "'\"'";
  if (code >= 0x20 && code <= 0x7E) return fmt::format("\"{}\"", static_cast<char>(code));
  return fmt::format("U+{:04X}", static_cast<uint32_t>(code));
}

void Lexer::SkipIgnored() {
  while (pos_ < source_.size()) {
    const int c = At(pos_);
    if (c == ' ' || c == '\t' || c == ',' || c == '\n' || c == '\r') {
      ++pos_;
    } else if (c == '#') {
      while (pos_ < source_.size() && At(pos_) != '\n' && At(pos_) != '\r') ++pos_;
    } else if (source_.substr(pos_, 3) == "\xEF\xBB\xBF") {
      pos_ += 3;  // a byte order mark may stand anywhere
    } else {
      return;
    }
  }
}

bool Lexer::Next(Token& token) {
  SkipIgnored();
  token = {TokenKind::kEof, static_cast<uint32_t>(pos_), {}};
  if (pos_ == source_.size()) return true;
  const int c = At(pos_);
  if (IsNameStart(c)) {
    size_t end = pos_ + 1;
    while (IsNameContinue(At(end))) ++end;
    return Finish(token, TokenKind::kName, end);
  }
  const TokenKind punctuator = PunctuatorKind(c);
  if (punctuator != TokenKind::kEof) return Finish(token, punctuator, pos_ + 1);
  if (source_.substr(pos_, 3) == "...") return Finish(token, TokenKind::kSpread, pos_ + 3);
  if (IsDigit(c) || c == '-') return ReadNumber(token);
  if (source_.substr(pos_, 3) == "\"\"\"") return ReadBlockString(token);
  if (c == '"') return ReadString(token);
  if (c == '\'') {
    return Fail(pos_,
                "Unexpected single quote character ('), did you mean to use a double quote (\")?");
  }
  return Fail(pos_, fmt::format("Unexpected character: {}.", CharacterText(pos_)));
}

bool Lexer::ReadDigits(size_t& pos) {
  if (!IsDigit(At(pos))) {
    return Fail(pos,
                fmt::format("Invalid number, expected digit but got: {}.", CharacterText(pos)));
  }
  while (IsDigit(At(pos))) ++pos;
  return true;
}

bool Lexer::ReadNumber(Token& token) {
  size_t pos = pos_;
  TokenKind kind = TokenKind::kInt;
  if (At(pos) == '-') ++pos;
  if (At(pos) == '0') {
    ++pos;
    if (IsDigit(At(pos))) {
      return Fail(pos,
                  fmt::format("Invalid number, unexpected digit after 0: {}.", CharacterText(pos)));
    }
  } else if (!ReadDigits(pos)) {
    return false;
  }
  if (At(pos) == '.') {
    kind = TokenKind::kFloat;
    if (!ReadDigits(++pos)) return false;
  }
  if (At(pos) == 'e' || At(pos) == 'E') {
    kind = TokenKind::kFloat;
    ++pos;
    if (At(pos) == '+' || At(pos) == '-') ++pos;
    if (!ReadDigits(pos)) return false;
  }
  if (At(pos) == '.' || IsNameStart(At(pos))) {
    return Fail(pos,
                fmt::format("Invalid number, expected digit but got: {}.", CharacterText(pos)));
  }
  return Finish(token, kind, pos);
}

}  // namespace mao::graphql
