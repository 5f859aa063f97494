// What a request's key/value entries are computed from: its tokens and the images among them.
#ifndef MAOOCR_ENGINE_CACHE_REQUEST_CONTENT_H_
#define MAOOCR_ENGINE_CACHE_REQUEST_CONTENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/cache/ids.h"

namespace mao {

// SHA-256 over the pixels after preprocessing, the preprocessing parameters, the model and the
// request's cache salt. All zeros is "none": it equals no image, and the scheduler refuses it.
struct ImageFingerprint {
  std::array<uint8_t, 32> bytes{};

  bool IsEmpty() const { return *this == ImageFingerprint{}; }
  friend bool operator==(const ImageFingerprint&, const ImageFingerprint&) = default;
};

// `length` placeholder tokens from `offset` on stand for the `length` embedding rows of one image,
// in order.
struct ImageSpan {
  uint32_t offset = 0;
  uint32_t length = 0;
  ImageFingerprint fingerprint;

  uint32_t end() const { return offset + length; }
};

// A view; the spans are sorted by offset and do not overlap.
struct RequestContent {
  std::span<const TokenId> token_ids;
  std::span<const ImageSpan> image_spans;
};

// The index of the first span that ends after `position`.
inline size_t FirstSpanEndingAfter(std::span<const ImageSpan> spans, uint32_t position) {
  size_t low = 0;
  size_t high = spans.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (spans[middle].end() <= position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_REQUEST_CONTENT_H_
