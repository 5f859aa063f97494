// Reads a row of pages with several of them in the engine at once; results come in order.
#ifndef MAOOCR_OCR_DOCUMENT_READER_H_
#define MAOOCR_OCR_DOCUMENT_READER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "base/status.h"
#include "ocr/page_reader.h"

namespace mao {

// A decoded page, or why there is none: such a page keeps its place in the row.
struct DocumentPage {
  Result<std::shared_ptr<const Image>> image = InvalidArgumentError("no image");
  double decode_ms = 0;
};

// The image is that of the page; null if it could not be decoded.
struct ReadPage {
  std::shared_ptr<const Image> image;
  Result<PageResult> result = InternalError("not read");
};

// One thread. Push pages until full(), then Pop one, and so on; what is left is cancelled.
class DocumentReader {
 public:
  // Images waiting in a row may take this much together (one is always allowed).
  static constexpr size_t kMaxImageBytes = size_t{1} << 30;

  // max_pages are in the engine at once; twice the max_num_seqs of the engine keeps it busy while
  // the first page of the row takes longer than those behind it.
  DocumentReader(PageReader& reader, size_t max_pages);

  bool full() const { return pages_.size() >= max_pages_ || image_bytes_ >= kMaxImageBytes; }
  bool empty() const { return pages_.empty(); }

  // Starts the page; an error is kept for Pop.
  void Push(DocumentPage page, const ReadOptions& options);

  // Waits for the oldest page; only when not empty(). on_text as in PageRead::Finish.
  ReadPage Pop(const OnText& on_text);

 private:
  struct Pending {
    std::shared_ptr<const Image> image;
    double decode_ms;
    Result<std::unique_ptr<PageRead>> read;
  };

  PageReader& reader_;
  size_t max_pages_;
  size_t image_bytes_ = 0;
  std::deque<Pending> pages_;
};

}  // namespace mao

#endif  // MAOOCR_OCR_DOCUMENT_READER_H_
