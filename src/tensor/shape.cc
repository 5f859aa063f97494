#include "tensor/shape.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace mao {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
constexpr int64_t kMaxElementBytes = 8;

}  // namespace

Result<Shape> Shape::Make(std::span<const int64_t> dims) {
  if (dims.size() > kMaxRank) {
    return OutOfRangeError(
        fmt::format("{} dimensions, more than the limit of {}", dims.size(), kMaxRank));
  }
  int64_t bytes = kMaxElementBytes;
  for (const int64_t dim : dims) {
    if (dim < 0) return InvalidArgumentError(fmt::format("negative dimension {}", dim));
    // Zeros are left out, so that the verdict does not depend on where a zero stands.
    if (dim != 0 && __builtin_mul_overflow(bytes, dim, &bytes)) {
      return OutOfRangeError(fmt::format("shape [{}] has more elements than the limit of {}",
                                         fmt::join(dims, ", "), kLargest / kMaxElementBytes));
    }
  }
  return Shape(dims);
}

Shape::Shape(std::initializer_list<int64_t> dims)
    : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const int64_t> dims) : rank_(std::min(dims.size(), kMaxRank)) {
  assert(dims.size() <= kMaxRank);
  std::copy_n(dims.begin(), rank_, dims_.begin());
}

int64_t Shape::num_elements() const {
  int64_t product = 1;
  bool overflow = false;
  for (const int64_t dim : dims()) {
    if (dim == 0) return 0;
    overflow = overflow || __builtin_mul_overflow(product, dim, &product);
  }
  return overflow ? kLargest : product;
}

std::string Shape::ToString() const { return fmt::format("[{}]", fmt::join(dims(), ", ")); }

}  // namespace mao
