// Files as bytes: memory maps for large read-only data, whole reads with a cap for small files.
#ifndef MAOOCR_BASE_FILE_H_
#define MAOOCR_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

// A read-only private memory map of a regular file. Moving keeps data() where it is.
class MappedFile {
 public:
  // Errors: NotFound, InvalidArgument (not a regular file), ResourceExhausted (mmap refused).
  static Result<MappedFile> Open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

  // Tells the kernel that this range will not be read again, so that its page-cache pages stop
  // counting as this process' resident memory. Only whole pages inside the range are dropped.
  void Forget(std::span<const std::byte> range) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

// The whole file. Errors: NotFound, InvalidArgument (a directory), OutOfRange (above max_bytes).
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

// Writes to path + ".tmp" and renames, so that a reader never sees half a file.
Status WriteFile(const std::string& path, std::string_view contents);

inline std::string_view AsStringView(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace mao

#endif  // MAOOCR_BASE_FILE_H_
