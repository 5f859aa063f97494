// The extents of a tensor, outermost first, kept inline.
#ifndef MAOOCR_TENSOR_SHAPE_H_
#define MAOOCR_TENSOR_SHAPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/status.h"

namespace mao {

class Shape {
 public:
  static constexpr size_t kMaxRank = 6;

  // For dimensions from outside (a file header). Errors: OutOfRange for more than kMaxRank
  // dimensions or when the product of the non-zero dimensions, times eight bytes per element, does
  // not fit in int64_t; InvalidArgument for a negative dimension.
  static Result<Shape> Make(std::span<const int64_t> dims);

  // A scalar: rank 0, one element.
  Shape() = default;
  // For dimensions the program chose: at most kMaxRank, none negative.
  Shape(std::initializer_list<int64_t> dims);
  explicit Shape(std::span<const int64_t> dims);

  size_t rank() const { return rank_; }
  int64_t dim(size_t i) const { return dims_[i]; }
  std::span<const int64_t> dims() const { return {dims_.data(), rank_}; }

  // The product of the dimensions; saturates at the largest int64_t.
  int64_t num_elements() const;

  // "[2, 3]"; "[]" for a scalar.
  std::string ToString() const;

  bool operator==(const Shape& other) const = default;

 private:
  std::array<int64_t, kMaxRank> dims_ = {};  // zeros beyond rank_, so that == may compare all
  size_t rank_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_TENSOR_SHAPE_H_
