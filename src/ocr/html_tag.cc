#include "ocr/html_tag.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

#include "text/utf8.h"

namespace mao {
namespace {

struct NamedEntity {
  std::string_view name;
  char character;
};
constexpr NamedEntity kEntities[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                                     {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
constexpr size_t kMaxEntityBytes = 10;  // "&#x10FFFF;"
constexpr std::string_view kSpace = " \t\n\v\f\r";

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool EqualsLower(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return Lower(a) == b; });
}

// "#39" or "#x27" to its character; 0: none.
char32_t NumberedCharacter(std::string_view digits) {
  int base = 10;
  if (digits.starts_with('x') || digits.starts_with('X')) {
    base = 16;
    digits.remove_prefix(1);
  }
  uint32_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  const bool is_number = result.ec == std::errc() && result.ptr == digits.data() + digits.size();
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  return is_number && value <= 0x10FFFF && !is_surrogate ? value : 0;
}

}  // namespace

bool HtmlTag::Is(std::string_view lower_name) const { return EqualsLower(name, lower_name); }

std::optional<HtmlTag> ReadHtmlTag(std::string_view text) {
  if (!text.starts_with('<')) return std::nullopt;
  const size_t close = text.substr(0, kMaxTagBytes).find_first_of("<>", 1);
  if (close == std::string_view::npos || text[close] == '<') return std::nullopt;
  const bool is_closing = text[1] == '/';
  const size_t begin = is_closing ? 2 : 1;
  size_t end = begin;
  while (end < close && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
  if (end < close && text[end] != '/' && kSpace.find(text[end]) == std::string_view::npos) {
    return std::nullopt;
  }
  return HtmlTag{text.substr(begin, end - begin), text.substr(end, close - end), is_closing,
                 close + 1};
}

int HtmlSpan(std::string_view attributes, std::string_view name, int max) {
  for (size_t at = 0; at + name.size() < attributes.size(); ++at) {
    const bool is_start = at == 0 || kSpace.find(attributes[at - 1]) != std::string_view::npos;
    if (!is_start || !EqualsLower(attributes.substr(at, name.size()), name)) continue;
    std::string_view rest = attributes.substr(at + name.size());
    const size_t value = rest.find_first_not_of(" =\"'");
    if (value == std::string_view::npos || rest.substr(0, value).find('=') == rest.npos) continue;
    rest.remove_prefix(value);
    const size_t num_digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    int span = 1;
    const auto result = std::from_chars(rest.data(), rest.data() + num_digits, span);
    if (result.ec == std::errc::result_out_of_range) return max;
    return std::clamp(span, 1, max);
  }
  return 1;
}

size_t AppendHtmlEntity(std::string_view text, std::string& out) {
  if (!text.starts_with('&')) return 0;
  for (const NamedEntity& entity : kEntities) {
    if (!text.starts_with(entity.name)) continue;
    out += entity.character;
    return entity.name.size();
  }
  const size_t end = text.substr(0, kMaxEntityBytes).find(';');
  if (end == std::string_view::npos || text[1] != '#') return 0;
  const char32_t character = NumberedCharacter(text.substr(2, end - 2));
  if (character == 0) return 0;
  AppendUtf8(character, out);
  return end + 1;
}

}  // namespace mao
