// Images as clients send them inside of text.
#ifndef MAOOCR_SERVE_API_OCR_IMAGE_H_
#define MAOOCR_SERVE_API_OCR_IMAGE_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/api/generation.h"

namespace mao {

// A data: URI, or an address with http:// or https://, which is fetched later. `name` is the field,
// for messages. InvalidArgument for anything else.
Result<ImageSource> ImageFromUrl(std::string_view url, std::string name);

// ImageFromUrl, or bare base64.
Result<ImageSource> ImageFromText(std::string_view text, std::string name);

// The bytes of a file. InvalidArgument if there are none.
Result<ImageSource> ImageFromBytes(std::string bytes, std::string name);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_IMAGE_H_
