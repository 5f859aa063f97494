#include "ocr/text_match.h"

#include <cctype>
#include <utility>

#include "text/unicode_form.h"
#include "text/utf8.h"

namespace mao {
namespace {

bool IsKeyCharacter(char32_t c) {
  constexpr std::string_view kKept = "%#$&+<=>@";
  if (c < 0x80) {
    const char ascii = static_cast<char>(c);
    return std::isalnum(static_cast<unsigned char>(ascii)) != 0 ||
           kKept.find(ascii) != std::string_view::npos;
  }
  constexpr char32_t kCjkPunctuation = 0x3001;
  constexpr char32_t kCjkPunctuationEnd = 0x3020;
  return !IsWhitespace(c) && (c < kCjkPunctuation || c >= kCjkPunctuationEnd);
}

}  // namespace

std::string FoldText(std::string_view text) {
  std::string valid;
  AppendLossyUtf8(text, valid);
  Result<std::string> form = ToUnicodeForm(valid, UnicodeForm::kNfkc);
  const std::string& source = form.ok() ? *form : valid;
  std::string folded;
  folded.reserve(source.size());
  bool pending_space = false;
  for (size_t at = 0; at < source.size();) {
    const Utf8Char c = DecodeUtf8(source, at);
    if (IsWhitespace(c.code_point)) {
      pending_space = !folded.empty();
    } else {
      if (std::exchange(pending_space, false)) folded += ' ';
      const bool is_ascii = c.code_point < 0x80;
      if (is_ascii) {
        folded += static_cast<char>(std::tolower(static_cast<int>(c.code_point)));
      } else {
        AppendUtf8(c.code_point, folded);
      }
    }
    at += c.size;
  }
  return folded;
}

std::string FoldKey(std::string_view text) {
  const std::string folded = FoldText(text);
  std::string key;
  for (size_t at = 0; at < folded.size();) {
    const Utf8Char c = DecodeUtf8(folded, at);
    if (IsKeyCharacter(c.code_point)) key += folded.substr(at, c.size);
    at += c.size;
  }
  return key;
}

}  // namespace mao
