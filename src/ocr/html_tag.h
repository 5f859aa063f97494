// The HTML that models write into their text: single tags and entities.
#ifndef MAOOCR_OCR_HTML_TAG_H_
#define MAOOCR_OCR_HTML_TAG_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mao {

// What looks like an HTML tag but is longer, or holds another <, is text.
inline constexpr size_t kMaxTagBytes = 256;

struct HtmlTag {
  std::string_view name;        // letters, as written; empty: "<>" or "</>"
  std::string_view attributes;  // between name and >
  bool is_closing;
  size_t size_bytes;

  // `lower_name` in any case of letters.
  bool Is(std::string_view lower_name) const;
};

// The tag that `text` begins with. Looks at no more than kMaxTagBytes.
std::optional<HtmlTag> ReadHtmlTag(std::string_view text);

// The number of name=2, name="2" or name='2' among the attributes, cut to [1, max]; 1 if there is
// none.
int HtmlSpan(std::string_view attributes, std::string_view name, int max);

// Appends the character of the entity that `text` begins with (&amp; &lt; &gt; &quot; &apos; &nbsp;
// and numbers) and returns its size; 0 if there is none.
size_t AppendHtmlEntity(std::string_view text, std::string& out);

}  // namespace mao

#endif  // MAOOCR_OCR_HTML_TAG_H_
