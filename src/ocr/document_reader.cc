#include "ocr/document_reader.h"

#include <algorithm>
#include <utility>

namespace mao {
namespace {

size_t ImageBytes(const std::shared_ptr<const Image>& image) {
  return image == nullptr ? 0 : image->rgb.size();
}

}  // namespace

DocumentReader::DocumentReader(PageReader& reader, size_t max_pages)
    : reader_(reader), max_pages_(std::max<size_t>(max_pages, 1)) {}

void DocumentReader::Push(DocumentPage page, const ReadOptions& options) {
  if (!page.image.ok()) {
    pages_.push_back({nullptr, page.decode_ms, page.image.status()});
    return;
  }
  std::shared_ptr<const Image> image = *std::move(page.image);
  image_bytes_ += ImageBytes(image);
  Result<std::unique_ptr<PageRead>> read = reader_.Start(image, options);
  pages_.push_back({std::move(image), page.decode_ms, std::move(read)});
}

ReadPage DocumentReader::Pop(const OnText& on_text) {
  Pending page = std::move(pages_.front());
  pages_.pop_front();
  image_bytes_ -= ImageBytes(page.image);
  if (!page.read.ok()) return {std::move(page.image), page.read.status()};
  Result<PageResult> result = (*page.read)->Finish(on_text);
  if (result.ok()) {
    result->timings.decode_ms = page.decode_ms;
    result->timings.total_ms += page.decode_ms;
  }
  return {std::move(page.image), std::move(result)};
}

}  // namespace mao
