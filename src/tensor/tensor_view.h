// A tensor in memory that somebody else owns: type, shape, bytes in row-major order.
#ifndef MAOOCR_TENSOR_TENSOR_VIEW_H_
#define MAOOCR_TENSOR_TENSOR_VIEW_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/dtype.h"
#include "tensor/shape.h"

namespace mao {

struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const std::byte* data = nullptr;

  size_t num_elements() const { return static_cast<size_t>(shape.num_elements()); }
  size_t size_bytes() const { return num_elements() * SizeBytes(dtype); }
  std::span<const std::byte> bytes() const { return {data, size_bytes()}; }

  // Whether data is a multiple of the element size. A tensor of a checkpoint need not be: the
  // safetensors format allows any offset.
  bool is_aligned() const { return reinterpret_cast<uintptr_t>(data) % SizeBytes(dtype) == 0; }

  // Only when is_aligned() and sizeof(T) is the element size. Where alignment is not known, use
  // Load, or memcpy from data.
  template <typename T>
  std::span<const T> As() const {
    assert(sizeof(T) == SizeBytes(dtype) && is_aligned());
    return {reinterpret_cast<const T*>(data), num_elements()};
  }

  // Element `index` in row-major order, whatever the alignment; sizeof(T) is the element size.
  template <typename T>
  T Load(size_t index) const {
    assert(sizeof(T) == SizeBytes(dtype));
    T value;
    std::memcpy(&value, data + index * sizeof(T), sizeof(T));
    return value;
  }
};

}  // namespace mao

#endif  // MAOOCR_TENSOR_TENSOR_VIEW_H_
