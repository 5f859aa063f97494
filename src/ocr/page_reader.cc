#include "ocr/page_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "ocr/page_answer.h"

namespace mao {
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
  return MakePageResult({std::move(raw_text), reason, stream_->stats(), stream_->image_mode(),
                         stream_->boxes_in_padded_square(), width_, height_},
                        markdown_);
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
