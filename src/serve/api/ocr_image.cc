#include "serve/api/ocr_image.h"

#include <utility>

#include "serve/api/base64.h"

namespace mao {
namespace {

Result<ImageSource> Wrap(std::string bytes, std::string name) {
  if (bytes.empty()) return InvalidArgumentError(name + ": the file is empty");
  ImageSource source;
  source.bytes = std::make_shared<const std::string>(std::move(bytes));
  source.name = std::move(name);
  return source;
}

}  // namespace

Result<ImageSource> ImageFromUrl(std::string_view url, std::string name) {
  if (IsDataUri(url)) {
    Result<std::string> bytes = DecodeDataUri(url);
    if (!bytes.ok()) return bytes.status().WithContext(name);
    return Wrap(std::move(bytes).value(), std::move(name));
  }
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return InvalidArgumentError(name +
                                ": expected a data: URI or an address with http:// or https://");
  }
  ImageSource source;
  source.url = url;
  source.name = std::move(name);
  return source;
}

Result<ImageSource> ImageFromText(std::string_view text, std::string name) {
  // No base64 has a colon.
  constexpr size_t kMaxSchemeBytes = 8;
  if (text.substr(0, kMaxSchemeBytes).find(':') != std::string_view::npos) {
    return ImageFromUrl(text, std::move(name));
  }
  Result<std::string> bytes = DecodeBase64(text);
  if (!bytes.ok()) return bytes.status().WithContext(name);
  return Wrap(std::move(bytes).value(), std::move(name));
}

Result<ImageSource> ImageFromBytes(std::string bytes, std::string name) {
  return Wrap(std::move(bytes), std::move(name));
}

}  // namespace mao
