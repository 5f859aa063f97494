// From what an engine said of a page to the result of reading it.
#ifndef MAOOCR_OCR_PAGE_ANSWER_H_
#define MAOOCR_OCR_PAGE_ANSWER_H_

#include <string>

#include "engine/engine.h"
#include "ocr/page_result.h"

namespace mao {

PageFinish ToPageFinish(StopReason reason);

struct PageAnswer {
  std::string raw_text;
  StopReason stop_reason = StopReason::kNone;
  RequestStats stats;
  std::string mode;  // the size mode that was used
  bool boxes_in_padded_square = false;
  int width = 0;  // of the upright page, at least 1
  int height = 0;
};

// Interprets the text (InterpretRawText) and fills everything else but page and
// timings.decode_ms, which is not in total_ms either.
PageResult MakePageResult(PageAnswer answer, const MarkdownOptions& options);

}  // namespace mao

#endif  // MAOOCR_OCR_PAGE_ANSWER_H_
