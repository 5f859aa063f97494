// Bodies of multipart/form-data (RFC 7578, RFC 2046).
#ifndef MAOOCR_SERVE_HTTP_MULTIPART_H_
#define MAOOCR_SERVE_HTTP_MULTIPART_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

struct MultipartLimits {
  size_t max_parts = 64;
  size_t max_header_bytes = 8 << 10;  // of one part
  size_t max_name_bytes = 256;        // of a field or file
};

struct MultipartPart {
  std::string name;                     // of the field
  std::optional<std::string> filename;  // without folders
  std::string content_type;             // as sent; empty: not said
  std::string_view body;                // of the whole body
};

// The boundary parameter of a Content-Type header. InvalidArgument if there is none, or none that
// RFC 2046 allows (1 to 70 of its characters).
Result<std::string> MultipartBoundary(std::string_view content_type);

// The parts in their order; names may repeat. Strict where parsers could disagree about where a part
// ends: lines end in CRLF, a boundary is followed by nothing but white space, the last one must be
// there. Whatever stands before the first and after the last boundary is left out. File names: a
// filename* (RFC 8187, UTF-8 or ISO-8859-1) wins over filename, in which %22, %0D and %0A stand for
// what browsers escape so. InvalidArgument says which part is wrong and how; OutOfRange names the
// limit. Linear time; the result points into `body`.
Result<std::vector<MultipartPart>> ParseMultipart(std::string_view body, std::string_view boundary,
                                                  const MultipartLimits& limits = {});

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_MULTIPART_H_
