// Any bytes as raw model text: read, cleaned, turned into JSON. Checks that the blocks tile the
// text in order, that boxes stay on the page, that links and figures agree, that nothing grows
// beyond a multiple of the input, and that the JSON is valid.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "ocr/det_parser.h"
#include "ocr/grounding.h"
#include "ocr/to_json.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

template <typename Box>
void CheckInside(const Box& box, int width, int height) {
  Check(box.x1 >= 0 && box.x1 <= box.x2 && box.x2 <= width);
  Check(box.y1 >= 0 && box.y1 <= box.y2 && box.y2 <= height);
}

void CheckBlocks(const mao::PageResult& page) {
  const size_t text_end = mao::WithoutEndOfText(page.raw_text).size();
  size_t at = page.blocks.empty() ? 0 : page.blocks.front().begin;
  for (const mao::PageBlock& block : page.blocks) {
    Check(block.begin == at && block.begin <= block.text_begin && block.text_begin <= block.end);
    Check(block.label.has_value() == (block.begin < block.text_begin));
    Check(block.boxes.size() == block.pixel_boxes.size());
    for (const auto& box : block.boxes) CheckInside(box, mao::kBoxScale, mao::kBoxScale);
    for (const auto& box : block.pixel_boxes) CheckInside(box, page.width, page.height);
    at = block.end;
  }
  Check(page.blocks.empty() || at == text_end);
}

void CheckFigures(const mao::PageResult& page) {
  for (const mao::PageFigure& figure : page.figures) {
    CheckInside(figure.box, page.width, page.height);
    Check(figure.box.x1 < figure.box.x2 && figure.box.y1 < figure.box.y2);
    Check(page.markdown.find("![](" + figure.path + ")\n") != std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  mao::PageResult page;
  page.width = 1 + data[0] * 16;
  page.height = 1 + data[1] * 16;
  page.box_space = (data[2] & 1) != 0 ? mao::BoxSpace::kPaddedSquare : mao::BoxSpace::kOriginal;
  page.raw_text.assign(reinterpret_cast<const char*>(data) + 3, size - 3);
  mao::MarkdownOptions options;
  options.collapse_blank_lines = (data[2] & 2) != 0;
  if ((data[2] & 4) != 0) options.page = data[2];
  mao::InterpretRawText(options, page);
  CheckBlocks(page);
  if (page.figures.size() < 64) CheckFigures(page);
  Check(page.markdown.size() <= 2 * page.raw_text.size() + 64);

  const auto lenient = mao::ParseBoxesLenient(page.raw_text);
  const auto strict = mao::ParseBoxesStrict(page.raw_text);
  Check(lenient.size() <= mao::kMaxBoxesPerBlock);
  Check(!strict || strict->size() <= mao::kMaxBoxesPerBlock);
  Check(mao::DetExtent(page.raw_text) <= page.raw_text.size());

  const std::string json = mao::PageResultToJson(page, (data[2] & 8) != 0);
  Check(nlohmann::json::accept(json));
  return 0;
}
