// From raw model text to Markdown, as DeepSeek-OCR's scripts clean it up, without their slips.
#ifndef MAOOCR_OCR_MARKDOWN_H_
#define MAOOCR_OCR_MARKDOWN_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ocr/grounding.h"

namespace mao {

// How figures are called, and linked.
enum class FigureNames {
  kFolder,  // ![](images/{k}.jpg), or images/{page}_{k}.jpg: DeepSeek-OCR's scripts
  kFlat,    // ![img-{k}.jpeg](img-{k}.jpeg), or img-{page}-{k}.jpeg: Mistral's OCR API
};

struct MarkdownOptions {
  std::optional<int> page{};          // set: figures carry it, as in images/{page}_{k}.jpg
  bool collapse_blank_lines = false;  // three newlines and more become two
  FigureNames figure_names = FigureNames::kFolder;
};

// The label of a block that is a picture.
inline constexpr std::string_view kImageLabel = "image";

// Whether this block becomes picture number 0, 1, … of the page, in the order of the blocks: its
// label is exactly `image` and it has a box to cut out. Links and crops both count by this.
bool IsFigure(const GroundingBlock& block);

// "images/{k}.jpg", "images/{page}_{k}.jpg", "img-{k}.jpeg" or "img-{page}-{k}.jpeg".
std::string FigurePath(const MarkdownOptions& options, int figure);

// The tags of figure k become "![](path)\n" (see FigureNames), all other tags go; \coloneqq becomes := and \eqqcolon
// becomes =: ; the end token goes. HTML tables and everything else stay as they are. `blocks` must
// be ParseGrounding(raw_text). Linear time.
//
// Without options this is what the released image script writes, with collapse_blank_lines and page
// what the PDF script writes, but for slips of theirs: equal image tags share one number (they
// replace text, not places), a picture with two boxes shifts the numbers of the crops against those
// of the links, operators and newlines are left alone on pages without a block, and newlines are
// collapsed only once per block.
std::string CleanMarkdown(std::string_view raw_text, std::span<const GroundingBlock> blocks,
                          const MarkdownOptions& options = {});

// Stands after every page of a document, also the last, as in the released PDF script.
inline constexpr std::string_view kPageSplit = "\n\n<--- Page Split --->\n";

std::string JoinPages(std::span<const std::string> pages);

}  // namespace mao

#endif  // MAOOCR_OCR_MARKDOWN_H_
