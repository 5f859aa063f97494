// A Content-Type header in the first line, a body behind it: parts in order, inside the body and
// within the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "serve/http/multipart.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), size);
  const std::string_view body = input.substr(std::min(line + 1, size));
  const auto from_header = mao::MultipartBoundary(input.substr(0, line));
  const mao::MultipartLimits limits;
  const auto parts = mao::ParseMultipart(body, from_header.ok() ? *from_header : "b", limits);
  if (!parts.ok()) return 0;
  Check(parts->size() <= limits.max_parts);
  const char* at = body.data();
  for (const mao::MultipartPart& part : *parts) {
    Check(!part.name.empty() && part.name.size() <= limits.max_name_bytes);
    Check(part.filename.value_or("").size() <= limits.max_name_bytes);
    Check(part.body.data() >= at);
    at = part.body.data() + part.body.size();
    Check(at <= body.data() + body.size());
  }
  return 0;
}
