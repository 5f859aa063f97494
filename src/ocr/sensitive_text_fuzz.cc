// Any bytes: spans in order, inside the text and apart; the redacted text no longer than it may be.
// Also the pairs of key and value that the same text holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ocr/key_values.h"
#include "ocr/sensitive_text.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<mao::SensitiveSpan> spans = mao::FindSensitiveText(text);
  size_t at = 0;
  for (const mao::SensitiveSpan& span : spans) {
    Check(span.begin >= at && span.begin < span.end && span.end <= size);
    at = span.end;
  }
  constexpr size_t kLongestPlaceholder = 16;
  Check(mao::RedactText(text, spans).size() <= size + kLongestPlaceholder * spans.size());

  std::vector<mao::PageBlock> blocks(1);
  blocks[0].text = text;
  for (const mao::KeyValue& pair : mao::FindKeyValues(blocks)) {
    Check(!pair.key.empty() && pair.key.size() <= mao::kMaxKeyBytes && !pair.value.empty());
  }
  return 0;
}
