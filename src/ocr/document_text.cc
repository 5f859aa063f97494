#include "ocr/document_text.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "ocr/html_tag.h"

namespace mao {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";
constexpr size_t kMaxHeadingLevel = 6;

// A tab in front stays: it says that the first cell of a table is empty.
std::string_view Strip(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return {};
  const size_t end = text.find_last_not_of(kSpace) + 1;
  return end > begin ? text.substr(begin, end - begin) : std::string_view();
}

// One pass over the text of a block: what has been written never depends on what is still to come,
// but for a tag or entity that is cut in two.
class MarkupRemover {
 public:
  explicit MarkupRemover(bool is_heading) : is_heading_(is_heading) {}

  std::string Run(std::string_view text) {
    while (!text.empty()) text.remove_prefix(Step(text));
    return std::string(Strip(out_));
  }

 private:
  // Returns how many bytes it took.
  size_t Step(std::string_view text) {
    if (const size_t size = text.front() == '<' ? Tag(text) : 0; size > 0) return size;
    if (is_heading_ && (out_.empty() || out_.back() == '\n')) {
      const size_t level = std::min(text.find_first_not_of('#'), text.size());
      const bool ends = level == text.size() || kSpace.find(text[level]) != std::string_view::npos;
      if (level > 0 && level <= kMaxHeadingLevel && ends) return std::min(level + 1, text.size());
    }
    if (const size_t size = in_table_ ? AppendHtmlEntity(text, out_) : 0; size > 0) return size;
    out_ += text.front();
    return 1;
  }

  // The size of the known tag that the text begins with, 0 if there is none.
  size_t Tag(std::string_view text) {
    const std::optional<HtmlTag> tag = ReadHtmlTag(text);
    return tag.has_value() && Apply(*tag) ? tag->size_bytes : 0;
  }

  bool Apply(const HtmlTag& tag) {
    if (tag.Is("td") || tag.Is("th")) {
      if (!tag.is_closing && num_cells_++ > 0) out_ += '\t';
    } else if (tag.Is("tr")) {
      if (tag.is_closing) out_ += '\n';
      num_cells_ = 0;
    } else if (tag.Is("table")) {
      in_table_ = !tag.is_closing;
    } else if (tag.Is("br")) {
      out_ += '\n';
    } else if (!tag.Is("thead") && !tag.Is("tbody") && !tag.Is("center")) {
      return false;
    }
    return true;
  }

  bool is_heading_;
  bool in_table_ = false;
  int num_cells_ = 0;
  std::string out_;
};

}  // namespace

std::string PlainText(std::span<const PageBlock> blocks) {
  std::string text;
  for (const PageBlock& block : blocks) {
    const bool is_heading = block.label == "title" || block.label == "sub_title";
    const std::string plain = MarkupRemover(is_heading).Run(block.text);
    if (plain.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += plain;
  }
  return text;
}

}  // namespace mao
