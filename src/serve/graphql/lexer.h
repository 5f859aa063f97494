// Tokens of a GraphQL document (specification October 2021, section 2.1).
#ifndef MAOOCR_SERVE_GRAPHQL_LEXER_H_
#define MAOOCR_SERVE_GRAPHQL_LEXER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace mao::graphql {

enum class TokenKind : uint8_t {
  kEof,
  kBang,
  kDollar,
  kAmp,
  kParenL,
  kParenR,
  kSpread,
  kColon,
  kEquals,
  kAt,
  kBracketL,
  kBracketR,
  kBraceL,
  kPipe,
  kBraceR,
  kName,
  kInt,
  kFloat,
  kString,
  kBlockString,
};

struct Token {
  TokenKind kind = TokenKind::kEof;
  uint32_t offset = 0;
  std::string_view text;  // names and numbers as written, strings decoded; else empty
};

// How messages call a kind: "Name", or a punctuator in quotes.
std::string_view TokenKindText(TokenKind kind);

// The same with the token's text behind it: Name "page".
std::string TokenText(const Token& token);

class Lexer {
 public:
  // `source` is well-formed UTF-8 of less than 4 GiB. Decoded strings that are not part of it are
  // put into `strings`. Both outlive the tokens.
  Lexer(std::string_view source, std::deque<std::string>& strings)
      : source_(source), strings_(strings) {}

  // The next token that means something; kEof at the end, again and again. False at what is no
  // token: then error_message() and error_offset() say why.
  [[nodiscard]] bool Next(Token& token);

  const std::string& error_message() const { return error_message_; }
  uint32_t error_offset() const { return error_offset_; }

 private:
  // The byte at `pos`, or -1 behind the end.
  int At(size_t pos) const {
    return pos < source_.size() ? static_cast<unsigned char>(source_[pos]) : -1;
  }
  std::string CharacterText(size_t pos) const;
  bool Fail(size_t offset, std::string message);
  bool Finish(Token& token, TokenKind kind, size_t end);

  void SkipIgnored();
  bool ReadNumber(Token& token);
  bool ReadDigits(size_t& pos);
  bool ReadString(Token& token);
  bool ReadEscape(size_t& pos, std::string& out);
  bool ReadBracedUnicode(size_t& pos, std::string& out);
  bool ReadFixedUnicode(size_t& pos, std::string& out);
  // The number of four hexadecimal digits at `pos`, or -1.
  int32_t FourHexDigits(size_t pos) const;
  bool ReadBlockString(Token& token);

  std::string_view source_;
  std::deque<std::string>& strings_;
  size_t pos_ = 0;
  std::string error_message_;
  uint32_t error_offset_ = 0;
};

// The value of a block string from what stands between its quotes, escaped quotes already replaced
// (specification 2.9.4, BlockStringValue).
std::string BlockStringValue(std::string_view raw);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_LEXER_H_
