#include "serve/api/ocr_call.h"

#include <utility>

namespace mao {

class OcrCall::PartObserver final : public CallObserver {
 public:
  PartObserver(std::shared_ptr<OcrCall> call, Part part) : call_(std::move(call)), part_(part) {}
  Status OnDocument(const std::shared_ptr<const PdfDocument>& document) override {
    return part_ == Part::kRead ? call_->OnDocument(document) : OkStatus();
  }
  void OnOutput(const GenerationOutput& output) override { call_->OnOutput(part_, output); }
  void OnDone(const Result<Generation>& result) override { call_->OnPartDone(part_, result); }

 private:
  const std::shared_ptr<OcrCall> call_;
  const Part part_;
};

OcrCall::OcrCall(Service& service, OcrPlan plan, std::shared_ptr<OcrObserver> observer)
    : service_(service), plan_(std::move(plan)), observer_(std::move(observer)) {
  if (plan_.read.image.document != nullptr) plan_.markdown.page = plan_.read.image.page;
}

Result<std::shared_ptr<OcrCall>> OcrCall::Start(Service& service, OcrRequest request,
                                                std::shared_ptr<OcrObserver> observer) {
  MAO_ASSIGN_OR_RETURN(const ServedModel model, service.FindModel(request.model, request.engine));
  request.model = model.name;
  const Engine* const engine = model.backend->engine();
  MAO_ASSIGN_OR_RETURN(OcrPlan plan, PlanOcr(std::move(request),
                                             engine == nullptr ? nullptr : &engine->model_info()));
  auto call = std::make_shared<OcrCall>(service, std::move(plan), std::move(observer));
  const std::lock_guard lock(call->mutex_);
  Status status = call->Submit(Part::kRead, call->plan_.read);
  // At once and not afterwards, so that a server which drains still finishes what it admitted.
  if (status.ok() && call->plan_.caption.has_value()) {
    status = call->Submit(Part::kCaption, *call->plan_.caption);
  }
  if (!status.ok()) {
    call->observer_ = nullptr;
    call->CancelParts();
    return status;
  }
  return call;
}

void OcrCall::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  CancelParts();
}

Status OcrCall::Submit(Part part, const GenerationRequest& request) {
  if (cancelled_) return CancelledError("the request was cancelled");
  MAO_ASSIGN_OR_RETURN(
      std::shared_ptr<Call> call,
      service_.Submit(request, std::make_shared<PartObserver>(shared_from_this(), part)));
  calls_.push_back(std::move(call));
  ++num_running_;
  return OkStatus();
}

Status OcrCall::OnDocument(const std::shared_ptr<const PdfDocument>& document) {
  const std::lock_guard lock(mutex_);
  plan_.markdown.page = plan_.read.image.page;  // figures are named by page from here on
  return observer_ == nullptr ? OkStatus() : observer_->OnDocument(document);
}

void OcrCall::OnOutput(Part part, const GenerationOutput& output) {
  const std::lock_guard lock(mutex_);
  if (observer_ == nullptr || part != Part::kRead || output.text.empty()) return;
  observer_->OnText(output.text);
}

void OcrCall::OnPartDone(Part part, const Result<Generation>& result) {
  const std::lock_guard lock(mutex_);
  --num_running_;
  if (observer_ == nullptr) return;
  if (!result.ok()) return Fail(result.status());
  (part == Part::kRead ? read_ : part == Part::kCaption ? caption_ : search_) = *result;
  if (part == Part::kRead && NeedsSearch(plan_, *read_)) {
    if (const Status status = Submit(Part::kSearch, *plan_.search); !status.ok()) {
      return Fail(status);
    }
  }
  if (num_running_ > 0) return;
  const OcrAnswer answer = MakeOcrAnswer(plan_, *read_, caption_.has_value() ? &*caption_ : nullptr,
                                         search_.has_value() ? &*search_ : nullptr);
  std::exchange(observer_, nullptr)->OnDone(answer);
}

void OcrCall::Fail(const Status& status) {
  CancelParts();
  std::exchange(observer_, nullptr)->OnDone(status);
}

void OcrCall::CancelParts() {
  for (const std::shared_ptr<Call>& call : calls_) call->Cancel();
}

}  // namespace mao
