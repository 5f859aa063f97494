// What reading one page gives. docs/output_format.md describes its JSON form.
#ifndef MAOOCR_OCR_PAGE_RESULT_H_
#define MAOOCR_OCR_PAGE_RESULT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ocr/boxes.h"
#include "ocr/markdown.h"

namespace mao {

// Why the text of a page ends.
enum class PageFinish {
  kStop,        // the model ended it
  kLength,      // the token limit: the text is cut off
  kRepetition,  // it went round in circles: the text is cut off
  kCancelled,
  kError,
};

// "stop", "length", "repetition", "cancelled", "error".
std::string_view PageFinishName(PageFinish finish);

struct PageBlock {
  std::optional<std::string> label;   // unset: text in front of the first tag
  std::string text;                   // as the model wrote it, without white space at its ends
  std::vector<NormBox> boxes;         // in the model's box space
  std::vector<PixelBox> pixel_boxes;  // the same boxes on the page
  bool well_formed = true;            // see GroundingBlock
  size_t begin = 0, text_begin = 0, end = 0;  // bytes of raw_text, see GroundingBlock
  std::optional<int> figure;                  // index into PageResult::figures
};

struct PageFigure {
  std::string path;  // as the Markdown links it
  PixelBox box;      // around all boxes of its block; at least one pixel
  int block;         // index into PageResult::blocks
};

struct PageTokens {
  int prompt = 0;  // image tokens included
  int image = 0;
  int output = 0;
};

// Wall time in milliseconds.
struct PageTimings {
  double decode_ms = 0;       // file to pixels
  double preprocess_ms = 0;   // pixels to views
  double queue_ms = 0;        // waiting for the engine
  double encode_ms = 0;       // views to image features
  double prefill_ms = 0;      // prompt to first token
  double generate_ms = 0;     // first token to last
  double postprocess_ms = 0;  // text to blocks and Markdown
  double total_ms = 0;
};

struct PageResult {
  int page = 0;      // 0-based, in its document
  std::string mode;  // "tiny", "small", "base", "large", "gundam", …
  int width = 0;     // of the upright page, in pixels
  int height = 0;
  BoxSpace box_space = BoxSpace::kOriginal;
  std::string raw_text;
  std::string markdown;
  std::vector<PageBlock> blocks;
  std::vector<PageFigure> figures;
  PageFinish finish = PageFinish::kStop;
  PageTokens tokens;
  PageTimings timings;
};

// Fills markdown, blocks and figures from raw_text, width, height and box_space. Takes any bytes as
// raw_text, in linear time. Width and height must be at least 1.
void InterpretRawText(const MarkdownOptions& options, PageResult& page);

}  // namespace mao

#endif  // MAOOCR_OCR_PAGE_RESULT_H_
