#include "apps/live_text.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "ocr/document_text.h"
#include "ocr/grounding.h"

namespace mao {
namespace {

// Every look costs time in proportion to the text so far, so the next one waits until the text has
// grown by this part of it.
constexpr size_t kGrowthDivisor = 256;

constexpr std::string_view kSpace = " \t\n\v\f\r";
constexpr std::string_view kDetClose = "<|/det|>";
constexpr std::string_view kBars[] = {"|", "｜"};

// Where, at or after `from`, a tag of boxes or the end token may begin; the end if nowhere.
size_t FindControlTag(std::string_view text, size_t from) {
  for (size_t at = text.find('<', from); at != std::string_view::npos;
       at = text.find('<', at + 1)) {
    const std::string_view rest = text.substr(at + 1);
    for (const std::string_view bar : kBars) {
      if (rest.starts_with(bar) || bar.starts_with(rest)) return at;
    }
  }
  return text.size();
}

// Whether the place lies in what may be an HTML tag; then `place` becomes where that begins.
bool LeaveHtmlTag(std::string_view text, size_t from, size_t* place) {
  const size_t open = text.substr(0, *place).rfind('<');
  if (open == std::string_view::npos || open < from || *place - open >= kMaxTagBytes) return false;
  const auto next = static_cast<unsigned char>(text[open + 1]);
  if (next != '/' && std::isalpha(next) == 0) return false;
  if (text.substr(open, *place - open).find('>') != std::string_view::npos) return false;
  *place = open;
  return true;
}

}  // namespace

LiveText::LiveText(OutputFormat format, const MarkdownOptions& markdown)
    : format_(format), markdown_(markdown) {}

std::string LiveText::Feed(std::string_view piece) {
  raw_text_ += piece;
  if (format_ == OutputFormat::kJson) return "";
  if (format_ == OutputFormat::kRaw) {
    shown_ += piece;
    return std::string(piece);
  }
  if (raw_text_.size() < next_size_) return "";
  next_size_ = raw_text_.size() + raw_text_.size() / kGrowthDivisor;
  PageResult page;
  page.width = page.height = 1;
  page.raw_text = raw_text_.substr(0, SettledBytes());
  InterpretRawText(markdown_, page);
  std::string text = RenderPage(page, format_, "", false);
  if (!text.starts_with(shown_)) return "";
  std::string added = text.substr(shown_.size());
  shown_ = std::move(text);
  return added;
}

std::string LiveText::Finish(std::string_view rendered) const {
  return std::string(rendered.substr(std::min(shown_.size(), rendered.size())));
}

// How much of the raw text has the same meaning whatever follows.
size_t LiveText::SettledBytes() const {
  const std::vector<GroundingBlock> blocks = ParseGrounding(raw_text_);
  size_t begin = 0;
  if (!blocks.empty() && blocks.back().label.has_value()) {
    const GroundingBlock& last = blocks.back();
    begin = last.text_begin;
    if (!std::string_view(raw_text_).substr(0, begin).ends_with(kDetClose)) return last.begin;
  }
  size_t end = FindControlTag(raw_text_, begin);
  do {
    const size_t space = end > begin ? raw_text_.find_last_of(kSpace, end - 1) : std::string::npos;
    if (space == std::string::npos || space <= begin) return begin;
    end = space;
  } while (LeaveHtmlTag(raw_text_, begin, &end));
  return end;
}

}  // namespace mao
