// Owned memory for weights, caches and workspaces.
#ifndef MAOOCR_TENSOR_BUFFER_H_
#define MAOOCR_TENSOR_BUFFER_H_

#include <cstddef>

#include "base/status.h"

namespace mao {

// Move-only memory, aligned to kAlignment, whose bytes start as zero. Moving keeps data() where it
// is. From kMapThresholdBytes on it consists of fresh pages of the system: an untouched page costs
// nothing. Huge pages are not asked for: loading 6.7 GB of weights took 13 s with them and 4.6 s
// without, and reading the weights was as fast (docs/benchmarks.md, "Loading").
class Buffer {
 public:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kMapThresholdBytes = size_t{2} << 20;

  // Errors: ResourceExhausted when the system refuses.
  static Result<Buffer> Allocate(size_t size_bytes);

  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  // Null when size_bytes() is 0.
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

  template <typename T>
  T* As() {
    static_assert(alignof(T) <= kAlignment);
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* As() const {
    static_assert(alignof(T) <= kAlignment);
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_TENSOR_BUFFER_H_
