// Reads a page through the service in the one, two or three generations that its mode needs.
#ifndef MAOOCR_SERVE_API_OCR_CALL_H_
#define MAOOCR_SERVE_API_OCR_CALL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "serve/api/ocr_answer.h"
#include "serve/api/service.h"

namespace mao {

// As CallObserver: one call at a time, on worker threads, never waiting for the network.
class OcrObserver {
 public:
  virtual ~OcrObserver() = default;
  // As CallObserver::OnDocument.
  virtual Status OnDocument(const std::shared_ptr<const PdfDocument>& /*document*/) {
    return OkStatus();
  }
  // What the model wrote since the last call, before anything is made of it.
  virtual void OnText(std::string_view raw_text) = 0;
  // Exactly once, last.
  virtual void OnDone(const Result<OcrAnswer>& result) = 0;
};

class OcrCall : public std::enable_shared_from_this<OcrCall> {
 public:
  // Plans the request for its model and submits it. Errors: those of PlanOcr, Service::FindModel and
  // Service::Submit; then the observer hears nothing.
  static Result<std::shared_ptr<OcrCall>> Start(Service& service, OcrRequest request,
                                                std::shared_ptr<OcrObserver> observer);

  // Ends with Cancelled, on another thread; nothing if it has ended.
  void Cancel();

  // Only for Start.
  OcrCall(Service& service, OcrPlan plan, std::shared_ptr<OcrObserver> observer);

 private:
  enum class Part { kRead, kCaption, kSearch };
  class PartObserver;

  Status Submit(Part part, const GenerationRequest& request);
  Status OnDocument(const std::shared_ptr<const PdfDocument>& document);
  void OnOutput(Part part, const GenerationOutput& output);
  void OnPartDone(Part part, const Result<Generation>& result);
  // The following under the lock.
  void Fail(const Status& status);
  void CancelParts();

  Service& service_;
  OcrPlan plan_;

  std::recursive_mutex mutex_;             // an observer may cancel
  std::shared_ptr<OcrObserver> observer_;  // null when it was told the end
  std::vector<std::shared_ptr<Call>> calls_;
  int num_running_ = 0;
  bool cancelled_ = false;
  std::optional<Generation> read_;
  std::optional<Generation> caption_;
  std::optional<Generation> search_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_CALL_H_
