#include "serve/api/ocr_document_call.h"

#include <algorithm>
#include <utility>

namespace mao {
namespace {

int FirstPage(const std::vector<PageRange>& ranges) {
  int first = ranges.empty() ? 0 : ranges.front().first;
  for (const PageRange& range : ranges) first = std::min(first, range.first);
  return first;
}

// A picture has one page.
Status CheckPagesOfPicture(const OcrRequest& request) {
  return SelectPages(request.pages, 1, 1, request.first_page_number, request.missing_pages)
      .status();
}

}  // namespace

class OcrDocumentCall::PageObserver final : public OcrObserver {
 public:
  PageObserver(std::shared_ptr<OcrDocumentCall> call, size_t index)
      : call_(std::move(call)), index_(index) {}
  Status OnDocument(const std::shared_ptr<const PdfDocument>& document) override {
    return call_->OnDocument(document);
  }
  void OnText(std::string_view raw_text) override { call_->OnText(index_, raw_text); }
  void OnDone(const Result<OcrAnswer>& result) override { call_->OnPageDone(index_, result); }

 private:
  const std::shared_ptr<OcrDocumentCall> call_;
  const size_t index_;
};

OcrDocumentCall::OcrDocumentCall(Service& service, OcrRequest request, size_t window,
                                 std::shared_ptr<OcrDocumentObserver> observer)
    : service_(service),
      request_(std::move(request)),
      window_(window),
      observer_(std::move(observer)) {}

Result<std::shared_ptr<OcrDocumentCall>> OcrDocumentCall::Start(
    Service& service, OcrRequest request, std::shared_ptr<OcrDocumentObserver> observer) {
  MAO_ASSIGN_OR_RETURN(const ServedModel model, service.FindModel(request.model, request.engine));
  const std::shared_ptr<const std::string>& bytes = request.image.bytes;
  if (bytes != nullptr && !IsPdf(*bytes)) MAO_RETURN_IF_ERROR(CheckPagesOfPicture(request));
  const size_t window =
      std::clamp<size_t>(model.backend->max_concurrency() / 2, size_t{1}, kMaxWindow);
  auto call =
      std::make_shared<OcrDocumentCall>(service, std::move(request), window, std::move(observer));
  call->pages_.emplace_back().number = FirstPage(call->request_.pages);
  call->num_submitted_ = 1;
  MAO_RETURN_IF_ERROR(call->Submit(0));
  return call;
}

void OcrDocumentCall::Cancel() {
  std::vector<std::shared_ptr<OcrCall>> calls;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const Page& page : pages_) {
      if (page.call != nullptr) calls.push_back(page.call);
    }
  }
  for (const std::shared_ptr<OcrCall>& call : calls) call->Cancel();
}

Status OcrDocumentCall::Submit(size_t index) {
  OcrRequest request = request_;
  {
    const std::lock_guard lock(mutex_);
    request.image.page = pages_[index].number;
    request.image.document = document_;
    request.is_continuation = document_ != nullptr;
  }
  MAO_ASSIGN_OR_RETURN(std::shared_ptr<OcrCall> call,
                       OcrCall::Start(service_, std::move(request),
                                      std::make_shared<PageObserver>(shared_from_this(), index)));
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = cancelled_;
    if (!pages_[index].answer.has_value()) pages_[index].call = call;
  }
  if (cancelled) call->Cancel();
  return OkStatus();
}

Status OcrDocumentCall::OnDocument(const std::shared_ptr<const PdfDocument>& document) {
  MAO_ASSIGN_OR_RETURN(
      const std::vector<int> numbers,
      SelectPages(request_.pages, document->num_pages(), service_.config().max_pages,
                  request_.first_page_number, request_.missing_pages));
  {
    const std::lock_guard lock(mutex_);
    document_ = document;
    pages_.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) pages_[i].number = numbers[i];
    observer_->OnDocument(pages_.size());
  }
  SubmitMore();
  return OkStatus();
}

void OcrDocumentCall::SubmitMore() {
  while (true) {
    size_t index = 0;
    bool cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      if (num_submitted_ == pages_.size() || num_submitted_ - num_done_ >= window_) return;
      index = num_submitted_++;
      cancelled = cancelled_;
    }
    const Status status = cancelled ? CancelledError("the request was cancelled") : Submit(index);
    if (status.ok()) continue;
    const std::lock_guard lock(mutex_);
    Take(index, status);
  }
}

void OcrDocumentCall::OnText(size_t index, std::string_view raw_text) {
  const std::lock_guard lock(mutex_);
  if (index == num_told_) {
    observer_->OnText(pages_[index].number, raw_text);
  } else {
    pages_[index].text += raw_text;
  }
}

void OcrDocumentCall::OnPageDone(size_t index, const Result<OcrAnswer>& answer) {
  {
    const std::lock_guard lock(mutex_);
    Take(index, answer);
  }
  SubmitMore();
}

void OcrDocumentCall::Take(size_t index, const Result<OcrAnswer>& answer) {
  Page& page = pages_[index];
  page.answer = answer;
  page.call = nullptr;
  ++num_done_;
  if (document_ != nullptr) observer_->OnProgress(num_done_, pages_.size());
  TellWhatIsDue();
  if (num_done_ == pages_.size()) TellEnd();
}

void OcrDocumentCall::TellWhatIsDue() {
  while (num_told_ < pages_.size()) {
    Page& page = pages_[num_told_];
    if (!page.text.empty()) observer_->OnText(page.number, std::exchange(page.text, ""));
    if (!page.answer.has_value()) return;
    // The end of a picture, or of a file that was not opened, says it all.
    if (document_ != nullptr) observer_->OnPage({page.number, *page.answer});
    ++num_told_;
  }
}

void OcrDocumentCall::TellEnd() {
  OcrDocument document;
  document.file = document_;
  document.dpi = request_.image.dpi;
  document.request_id = request_.context.request_id;
  Status status = cancelled_ ? CancelledError("the request was cancelled") : OkStatus();
  const bool is_any_read =
      std::any_of(pages_.begin(), pages_.end(), [](const Page& page) { return page.answer->ok(); });
  if (!is_any_read) status = pages_.front().answer->status();
  if (status.ok() && document_ == nullptr) status = CheckPagesOfPicture(request_);
  const std::shared_ptr<OcrDocumentObserver> observer = std::exchange(observer_, nullptr);
  if (!status.ok()) return observer->OnDone(status);
  for (Page& page : pages_) document.pages.push_back({page.number, *std::move(page.answer)});
  observer->OnDone(document);
}

}  // namespace mao
