// A descriptor that is closed when it goes.
#ifndef MAOOCR_VISION_PDF_FILE_DESCRIPTOR_H_
#define MAOOCR_VISION_PDF_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace mao {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace mao

#endif  // MAOOCR_VISION_PDF_FILE_DESCRIPTOR_H_
