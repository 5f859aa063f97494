#include "ocr/page_result.h"

#include <utility>

#include "ocr/grounding.h"

namespace mao {
namespace {

PageBlock ToPageBlock(GroundingBlock block, const PageResult& page) {
  PageBlock out;
  for (const RawBox& box : block.boxes) {
    out.boxes.push_back(Normalise(box));
    out.pixel_boxes.push_back(ToPixels(box, page.width, page.height, page.box_space));
  }
  out.label = std::move(block.label);
  out.text = std::move(block.text);
  out.well_formed = block.well_formed;
  out.begin = block.begin;
  out.text_begin = block.text_begin;
  out.end = block.end;
  return out;
}

}  // namespace

std::string_view PageFinishName(PageFinish finish) {
  switch (finish) {
    case PageFinish::kStop:
      return "stop";
    case PageFinish::kLength:
      return "length";
    case PageFinish::kRepetition:
      return "repetition";
    case PageFinish::kCancelled:
      return "cancelled";
    case PageFinish::kError:
      break;
  }
  return "error";
}

void InterpretRawText(const MarkdownOptions& options, PageResult& page) {
  std::vector<GroundingBlock> blocks = ParseGrounding(page.raw_text);
  page.markdown = CleanMarkdown(page.raw_text, blocks, options);
  page.blocks.clear();
  page.figures.clear();
  for (GroundingBlock& block : blocks) {
    const bool is_figure = IsFigure(block);
    page.blocks.push_back(ToPageBlock(std::move(block), page));
    if (!is_figure) continue;
    PageBlock& added = page.blocks.back();
    added.figure = static_cast<int>(page.figures.size());
    const PixelBox box = AtLeastOnePixel(Union(added.pixel_boxes), page.width, page.height);
    page.figures.push_back(
        {FigurePath(options, *added.figure), box, static_cast<int>(page.blocks.size()) - 1});
  }
}

}  // namespace mao
