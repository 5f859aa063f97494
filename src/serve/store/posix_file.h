// File descriptors that close themselves, and the writes and syncs that durability is made of.
#ifndef MAOOCR_SERVE_STORE_POSIX_FILE_H_
#define MAOOCR_SERVE_STORE_POSIX_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/status.h"

namespace mao {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "path: what: reason of errno". ResourceExhausted where disk, quota or descriptors ran out,
// NotFound, else Unavailable.
Status ErrnoError(const std::string& path, const char* what);

// Errors name `path`.
Status WriteAll(const UniqueFd& fd, const std::string& path, std::span<const std::byte> bytes);
Status SyncFile(const UniqueFd& fd, const std::string& path);

// Makes names that were created, renamed or removed in this folder survive a power failure.
Status SyncFolder(const std::string& path);

// Creates the folder and those above it, readable by their owner alone. One that is there already is
// left as it is.
Status MakePrivateFolder(const std::string& path);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_POSIX_FILE_H_
