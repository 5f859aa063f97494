// Shows the text of a page while it is generated.
#ifndef MAOOCR_APPS_LIVE_TEXT_H_
#define MAOOCR_APPS_LIVE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/page_output.h"

namespace mao {

// Everything returned, joined, is RenderPage of the whole page. Raw text passes through. Of
// Markdown and plain text whole words come out as soon as nothing that may follow can change them:
// the tags of boxes never show. The time over a whole page is linear in its text, up to a constant.
class LiveText {
 public:
  // kJson shows nothing before the end.
  LiveText(OutputFormat format, const MarkdownOptions& markdown);

  // Takes the next piece of raw text; returns what is to be shown now.
  std::string Feed(std::string_view piece);

  // Takes RenderPage of the page; returns what has not been shown yet.
  std::string Finish(std::string_view rendered) const;

 private:
  size_t SettledBytes() const;

  OutputFormat format_;
  MarkdownOptions markdown_;
  std::string raw_text_;
  std::string shown_;
  size_t next_size_ = 0;  // of raw_text_, when it is worth looking again
};

}  // namespace mao

#endif  // MAOOCR_APPS_LIVE_TEXT_H_
