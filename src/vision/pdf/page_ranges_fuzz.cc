// Arbitrary bytes as page ranges: what is understood selects pages of the document, in order.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vision/pdf/page_ranges.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  constexpr int kNumPages = 300;
  constexpr int kMaxPages = 200;
  if (size_bytes == 0) return 0;
  const int first_number = data[0] % 2;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size_bytes - 1);
  const auto ranges = mao::ParsePageRanges(text, first_number);
  if (!ranges.ok()) return 0;
  if (ranges->size() > mao::kMaxPageRanges) std::abort();
  const auto pages = mao::SelectPages(*ranges, kNumPages, kMaxPages, first_number);
  if (!pages.ok()) return 0;
  if (pages->empty() || pages->size() > kMaxPages) std::abort();
  for (size_t i = 0; i < pages->size(); ++i) {
    if ((*pages)[i] < 0 || (*pages)[i] >= kNumPages) std::abort();
    if (i > 0 && (*pages)[i] <= (*pages)[i - 1]) std::abort();
  }
  return 0;
}
