#include "tensor/buffer.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include <sys/mman.h>

#include <fmt/core.h>

namespace mao {
namespace {

Status Refused(size_t size_bytes) {
  return ResourceExhaustedError(
      fmt::format("out of memory: the system refused to allocate {} bytes", size_bytes));
}

void* AllocateSmall(size_t size_bytes) {
  const size_t rounded = (size_bytes + Buffer::kAlignment - 1) / Buffer::kAlignment;
  void* data = std::aligned_alloc(Buffer::kAlignment, rounded * Buffer::kAlignment);
  if (data != nullptr) std::memset(data, 0, size_bytes);
  return data;
}

void* AllocateLarge(size_t size_bytes) {
  if (size_bytes > static_cast<size_t>(std::numeric_limits<ptrdiff_t>::max())) return nullptr;
  void* data =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  return data;
}

}  // namespace

Result<Buffer> Buffer::Allocate(size_t size_bytes) {
  Buffer buffer;
  if (size_bytes == 0) return buffer;
  void* data =
      size_bytes < kMapThresholdBytes ? AllocateSmall(size_bytes) : AllocateLarge(size_bytes);
  if (data == nullptr) return Refused(size_bytes);
  buffer.data_ = static_cast<std::byte*>(data);
  buffer.size_bytes_ = size_bytes;
  return buffer;
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (size_bytes_ < kMapThresholdBytes) {
    std::free(data_);
  } else {
    munmap(data_, size_bytes_);
  }
}

}  // namespace mao
