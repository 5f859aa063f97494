// Arbitrary bytes as an image file: no crash, no leak, no more memory or time than the limits
// allow.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "vision/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  mao::ImageLimits limits;
  limits.max_pixels = 4'000'000;
  limits.max_decode_time = std::chrono::seconds(5);
  const auto image = mao::DecodeImage(std::as_bytes(std::span(data, size_bytes)), "fuzz", limits);
  if (image.ok() && !mao::IsWellFormed(*image)) std::abort();
  return 0;
}
