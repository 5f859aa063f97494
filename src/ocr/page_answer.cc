#include "ocr/page_answer.h"

#include <chrono>
#include <utility>

namespace mao {
namespace {

void FillStats(const RequestStats& stats, PageResult& page) {
  page.tokens.prompt = static_cast<int>(stats.num_prompt_tokens);
  page.tokens.image = static_cast<int>(stats.num_image_tokens);
  page.tokens.output = static_cast<int>(stats.num_output_tokens);
  PageTimings& timings = page.timings;
  timings.preprocess_ms = stats.prepare_ms;
  timings.queue_ms = stats.queue_ms;
  timings.encode_ms = stats.encode_ms;
  timings.prefill_ms = stats.prefill_ms;
  timings.generate_ms = stats.generate_ms;
  timings.total_ms = timings.preprocess_ms + timings.queue_ms + timings.encode_ms +
                     timings.prefill_ms + timings.generate_ms + timings.postprocess_ms;
}

}  // namespace

PageFinish ToPageFinish(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfText:
    case StopReason::kStopToken:
    case StopReason::kStopString:
      return PageFinish::kStop;
    case StopReason::kMaxTokens:
      return PageFinish::kLength;
    case StopReason::kRepetition:
      return PageFinish::kRepetition;
    case StopReason::kNone:
      break;
  }
  return PageFinish::kError;
}

PageResult MakePageResult(PageAnswer answer, const MarkdownOptions& options) {
  using Clock = std::chrono::steady_clock;
  PageResult page;
  page.mode = std::move(answer.mode);
  page.width = answer.width;
  page.height = answer.height;
  page.box_space = answer.boxes_in_padded_square ? BoxSpace::kPaddedSquare : BoxSpace::kOriginal;
  page.raw_text = std::move(answer.raw_text);
  page.finish = ToPageFinish(answer.stop_reason);
  const Clock::time_point begin = Clock::now();
  InterpretRawText(options, page);
  page.timings.postprocess_ms =
      std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  FillStats(answer.stats, page);
  return page;
}

}  // namespace mao
