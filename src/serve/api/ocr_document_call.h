// Reads all pages of a file through the service: a picture as one page, a PDF with several of its pages
// in flight at once.
#ifndef MAOOCR_SERVE_API_OCR_DOCUMENT_CALL_H_
#define MAOOCR_SERVE_API_OCR_DOCUMENT_CALL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api/ocr_call.h"
#include "serve/api/ocr_document.h"

namespace mao {

// One call at a time, on worker threads, never waiting for the network, and never calling back.
class OcrDocumentObserver {
 public:
  virtual ~OcrDocumentObserver() = default;
  // The file is a PDF, of which so many pages will be read; at most once, first.
  virtual void OnDocument(size_t /*num_pages*/) {}
  // So many of them are done; not in their order.
  virtual void OnProgress(size_t /*num_done*/, size_t /*num_pages*/) {}
  // What the model wrote on a page (from 0), and then what came of it; page after page, in their order.
  virtual void OnText(int page, std::string_view raw_text) = 0;
  virtual void OnPage(const OcrPage& page) = 0;
  // Exactly once, last. A page that failed is an error of its own; if all did, that of the first.
  virtual void OnDone(const Result<OcrDocument>& result) = 0;
};

class OcrDocumentCall : public std::enable_shared_from_this<OcrDocumentCall> {
 public:
  // Pages of one document that are worked on at once: half of what keeps the backend busy, so that
  // others get their turn, and no more than this. It bounds what is rendered ahead.
  static constexpr size_t kMaxWindow = 16;

  // Submits the first page; the others follow once the file is open, and are not refused for a full
  // queue any more. The request's timeout is that of each page. Errors: those of OcrCall::Start and, for
  // pictures, of SelectPages; then the observer hears nothing.
  static Result<std::shared_ptr<OcrDocumentCall>> Start(
      Service& service, OcrRequest request, std::shared_ptr<OcrDocumentObserver> observer);

  // Ends with Cancelled, on another thread; nothing if it has ended.
  void Cancel();

  // Only for Start.
  OcrDocumentCall(Service& service, OcrRequest request, size_t window,
                  std::shared_ptr<OcrDocumentObserver> observer);

 private:
  class PageObserver;
  struct Page {
    int number = 0;
    std::shared_ptr<OcrCall> call;
    std::string text;  // that came before its turn
    std::optional<Result<OcrAnswer>> answer;
  };

  Status OnDocument(const std::shared_ptr<const PdfDocument>& document);
  void OnText(size_t index, std::string_view raw_text);
  void OnPageDone(size_t index, const Result<OcrAnswer>& answer);
  // Not under the lock, as calls have locks of their own, which they hold when they tell of their end.
  Status Submit(size_t index);
  void SubmitMore();
  // The following under the lock.
  void Take(size_t index, const Result<OcrAnswer>& answer);
  void TellWhatIsDue();
  void TellEnd();

  Service& service_;
  const OcrRequest request_;
  const size_t window_;

  std::mutex mutex_;
  std::shared_ptr<OcrDocumentObserver> observer_;  // null when it was told the end
  std::shared_ptr<const PdfDocument> document_;
  std::vector<Page> pages_;
  size_t num_submitted_ = 0;
  size_t num_done_ = 0;
  size_t num_told_ = 0;
  bool cancelled_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_DOCUMENT_CALL_H_
