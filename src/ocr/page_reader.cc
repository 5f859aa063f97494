#include "ocr/page_reader.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

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

Status CheckPageSize(int width, int height) {
  const int shorter = std::min(width, height);
  const int longer = std::max(width, height);
  if (shorter <= 0) return InvalidArgumentError("the page has no pixels");
  if (shorter < kMinPageSide) {
    return OutOfRangeError(fmt::format("{}x{} pixels; the limit is at least {} pixels on each side",
                                       width, height, kMinPageSide));
  }
  if (longer > int64_t{kMaxPageAspect} * shorter) {
    return OutOfRangeError(
        fmt::format("{}x{} pixels; the limit is a long side of at most {} times the short one",
                    width, height, kMaxPageAspect));
  }
  return OkStatus();
}

PageRead::PageRead(std::unique_ptr<RequestStream> stream, int width, int height,
                   const ReadOptions& options)
    : stream_(std::move(stream)),
      width_(width),
      height_(height),
      markdown_(options.markdown),
      stop_(options.stop) {}

Result<PageResult> PageRead::Finish(const OnText& on_text) {
  std::string raw_text;
  while (std::optional<EngineOutput> output = stream_->Next()) {
    raw_text += output->text;
    if (on_text && !output->text.empty()) on_text(output->text);
    if (output->finished) {
      MAO_RETURN_IF_ERROR(output->status);
      return Interpret(std::move(raw_text), output->stop_reason);
    }
    if (stop_.stop_requested()) stream_->Cancel();
  }
  return InternalError("the engine closed the request without an end");
}

PageResult PageRead::Interpret(std::string raw_text, StopReason reason) const {
  using Clock = std::chrono::steady_clock;
  PageResult page;
  page.mode = stream_->image_mode();
  page.width = width_;
  page.height = height_;
  page.box_space =
      stream_->boxes_in_padded_square() ? BoxSpace::kPaddedSquare : BoxSpace::kOriginal;
  page.raw_text = std::move(raw_text);
  page.finish = ToPageFinish(reason);
  const Clock::time_point begin = Clock::now();
  InterpretRawText(markdown_, page);
  page.timings.postprocess_ms =
      std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  FillStats(stream_->stats(), page);
  return page;
}

Result<std::unique_ptr<PageRead>> PageReader::Start(std::shared_ptr<const Image> page,
                                                    const ReadOptions& options) {
  const int width = page->width;
  const int height = page->height;
  MAO_RETURN_IF_ERROR(CheckPageSize(width, height));
  EngineRequest request;
  request.prompt = {std::move(page), options.task.prompt, options.image};
  request.sampling = options.sampling;
  MAO_ASSIGN_OR_RETURN(std::unique_ptr<RequestStream> stream, engine_.Submit(std::move(request)));
  return std::make_unique<PageRead>(std::move(stream), width, height, options);
}

Result<PageResult> PageReader::Read(std::shared_ptr<const Image> page, const ReadOptions& options,
                                    const OnText& on_text) {
  MAO_ASSIGN_OR_RETURN(const std::unique_ptr<PageRead> read, Start(std::move(page), options));
  return read->Finish(on_text);
}

}  // namespace mao
