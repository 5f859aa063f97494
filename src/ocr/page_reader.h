// Reads pages with the engine: from pixels to a PageResult.
#ifndef MAOOCR_OCR_PAGE_READER_H_
#define MAOOCR_OCR_PAGE_READER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

#include "base/status.h"
#include "engine/engine.h"
#include "ocr/page_result.h"
#include "ocr/tasks.h"
#include "vision/image.h"

namespace mao {

// What a page must have to be worth a model's time. A view shows the long side in at most 1280
// pixels, so beyond this aspect the short one has fewer than 13, too few for a line of text.
inline constexpr int kMinPageSide = 8;
inline constexpr int kMaxPageAspect = 100;

// InvalidArgument without pixels, OutOfRange beyond the limits above; names what it found.
Status CheckPageSize(int width, int height);

struct ReadOptions {
  OcrTask task;
  SamplingParams sampling;
  ImageOptions image;
  MarkdownOptions markdown;
  std::stop_token stop;  // cancels the page; noticed when its next text comes
};

// Gets the raw text of a page as it is generated, in pieces of whole characters.
using OnText = std::function<void(std::string_view)>;

// A page that the engine is reading. Destroying it cancels the page.
class PageRead {
 public:
  PageRead(std::unique_ptr<RequestStream> stream, int width, int height,
           const ReadOptions& options);

  // Waits for the end of the page; to be called once. Text that came before the call is passed on
  // too; on_text may be empty. A page cut at its token limit or for repetition is a result
  // (PageResult::finish says so). decode_ms is left to the caller, also in total_ms, which is the
  // sum of the others. Errors: those of EngineOutput::status.
  Result<PageResult> Finish(const OnText& on_text);

 private:
  PageResult Interpret(std::string raw_text, StopReason reason) const;

  std::unique_ptr<RequestStream> stream_;
  int width_;
  int height_;
  MarkdownOptions markdown_;
  std::stop_token stop_;
};

class PageReader {
 public:
  // The engine must outlive the reader and its pages.
  explicit PageReader(Engine& engine) : engine_(engine) {}

  // Prepares the page on the calling thread and hands it to the engine. The image is not needed
  // any more afterwards. Errors: those of CheckPageSize and Engine::Submit.
  Result<std::unique_ptr<PageRead>> Start(std::shared_ptr<const Image> page,
                                          const ReadOptions& options);

  // Start and Finish.
  Result<PageResult> Read(std::shared_ptr<const Image> page, const ReadOptions& options,
                          const OnText& on_text);

 private:
  Engine& engine_;
};

}  // namespace mao

#endif  // MAOOCR_OCR_PAGE_READER_H_
