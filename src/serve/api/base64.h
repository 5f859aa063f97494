// Base64 (RFC 4648), as it comes from clients.
#ifndef MAOOCR_SERVE_API_BASE64_H_
#define MAOOCR_SERVE_API_BASE64_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

// Takes the standard and the URL-safe alphabet, line breaks, and missing padding. InvalidArgument
// names the place of the first wrong character.
Result<std::string> DecodeBase64(std::string_view text);
// Standard alphabet, with padding.
std::string EncodeBase64(std::string_view bytes);

// The bytes of "data:image/png;base64,..."; InvalidArgument if it is not one.
Result<std::string> DecodeDataUri(std::string_view uri);
bool IsDataUri(std::string_view uri);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_BASE64_H_
