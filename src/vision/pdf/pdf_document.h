// PDF files page by page, rendered by the programs of poppler-utils in processes of their own.
#ifndef MAOOCR_VISION_PDF_PDF_DOCUMENT_H_
#define MAOOCR_VISION_PDF_PDF_DOCUMENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "vision/image.h"
#include "vision/pdf/file_descriptor.h"

namespace mao {

inline constexpr int kMinDpi = 36;
inline constexpr int kMaxDpi = 600;
// What DeepSeek-OCR's PDF script renders at; a page of A4 becomes 1190 x 1684 pixels.
inline constexpr int kDefaultDpi = 144;

// What one file may cost.
struct PdfLimits {
  size_t max_file_bytes = size_t{100} << 20;
  int64_t max_pixels = 100'000'000;  // of a page
  int max_side = 65'535;
  size_t max_memory_bytes = size_t{1} << 30;  // address space of the process that renders
  int default_dpi = kDefaultDpi;              // see PdfDocument::ChooseDpi
  int max_dpi = kMaxDpi;
  std::chrono::milliseconds max_page_time{30'000};  // for each page, and for opening the file
};

// Told by the first bytes, never by a name: "%PDF-" among the first 1024 bytes, as readers of PDF do,
// of a file that is no image.
bool IsPdf(std::string_view bytes);

// An open file. Thread-safe; nothing is rendered before it is asked for, and nothing is kept.
class PdfDocument {
 public:
  // `name` is for messages. Copies the bytes into memory that the system holds. Errors:
  // InvalidArgument (no PDF, encrypted with a password, no page), DataLoss (broken), OutOfRange (above a
  // limit, which is named), Unimplemented (poppler-utils is not installed), Cancelled, DeadlineExceeded.
  static Result<std::shared_ptr<const PdfDocument>> Open(std::string_view bytes, std::string name,
                                                         const PdfLimits& limits = {},
                                                         const std::stop_token& stop = {});

  int num_pages() const { return num_pages_; }
  const std::string& name() const { return name_; }
  size_t size_bytes() const { return size_bytes_; }

  // The resolution at which a page is rendered when nobody asks for another one: PdfLimits::default_dpi, less if
  // the long side would be above 4096 pixels, of which no model sees more. `page` is from 0.
  Result<int> ChooseDpi(int page, const std::stop_token& stop = {}) const;

  // The page as a viewer shows it: its crop box, turned, with annotations, on white. dpi 0: ChooseDpi;
  // else from kMinDpi to PdfLimits::max_dpi. Blocks while the process runs. Errors: those of Open, and OutOfRange
  // for a page that is not there or one with too many pixels at this resolution.
  Result<Image> Render(int page, int dpi = 0, const std::stop_token& stop = {}) const;

 private:
  struct PageSize {
    double width_pt = 0;
    double height_pt = 0;
  };

  PdfDocument(std::string name, const PdfLimits& limits)
      : name_(std::move(name)), limits_(limits) {}
  Status Load(std::string_view bytes, const std::stop_token& stop);
  Result<std::string> AskInfo(int first_page, int last_page, const std::stop_token& stop) const;
  Result<PageSize> SizeOf(int page, const std::stop_token& stop) const;
  Status PageError(int page, StatusCode code, std::string_view what) const;

  const std::string name_;
  const PdfLimits limits_;
  size_t size_bytes_ = 0;
  FileDescriptor file_;
  int num_pages_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<int, PageSize> sizes_;  // of the pages that were asked about so far
};

}  // namespace mao

#endif  // MAOOCR_VISION_PDF_PDF_DOCUMENT_H_
