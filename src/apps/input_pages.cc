#include "apps/input_pages.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "base/file.h"
#include "vision/decode.h"

namespace mao {
namespace {

Result<std::string> ReadInput(const InputFile& file) {
  MAO_RETURN_IF_ERROR(file.status);
  const size_t max_bytes = ImageLimits().max_file_bytes;
  return file.path == kStandardInput ? ReadStandardInput(max_bytes)
                                     : ReadFile(file.path, max_bytes);
}

}  // namespace

bool MayBePdf(const InputFile& file) {
  if (file.path == kStandardInput) return true;
  constexpr size_t kHeadBytes = 1024;
  std::string head(kHeadBytes, '\0');
  std::ifstream in(file.path, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return IsPdf(head);
}

Status InputPages::Open(const InputFile& file) {
  MAO_ASSIGN_OR_RETURN(contents_, ReadInput(file));
  int num_pages = 1;
  if (IsPdf(contents_)) {
    MAO_ASSIGN_OR_RETURN(document_, PdfDocument::Open(contents_, file.path, {}, stop_));
    num_pages = document_->num_pages();
    contents_.clear();
  }
  const Result<std::vector<int>> pages = SelectPages(choice_.pages, num_pages, kMaxPagesOfInput);
  if (!pages.ok()) return pages.status().WithContext(file.path);
  pages_.assign(pages->rbegin(), pages->rend());
  return OkStatus();
}

void InputPages::OpenNext() {
  document_ = nullptr;
  contents_.clear();
  pages_.clear();
  status_ = Open(files_[next_file_++]);
  if (!status_.ok()) {
    document_ = nullptr;
    pages_ = {0};
  }
  num_known_ += pages_.size();
}

InputPage InputPages::Next() {
  const auto start = std::chrono::steady_clock::now();
  if (pages_.empty()) OpenNext();
  InputPage page;
  page.file = next_file_ - 1;
  page.page = pages_.back();
  pages_.pop_back();
  page.ends_file = pages_.empty();
  Result<Image> image = status_;
  if (document_ != nullptr) {
    page.is_document = true;
    page.num_pages = document_->num_pages();
    image = document_->Render(page.page, choice_.dpi, stop_);
  } else if (status_.ok()) {
    image = DecodeImage(AsBytes(contents_), files_[page.file].path);
  }
  page.content.image = image.status();
  if (image.ok()) page.content.image = std::make_shared<const Image>(std::move(image).value());
  page.content.decode_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return page;
}

}  // namespace mao
