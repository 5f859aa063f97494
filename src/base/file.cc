#include "base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

namespace mao {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status ErrnoStatus(const std::string& path, const char* what) {
  const int error = errno;
  std::string message = fmt::format("{}: {}: {}", path, what, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return NotFoundError(std::move(message));
  if (error == ENOMEM || error == ENOSPC || error == EMFILE || error == ENFILE) {
    return ResourceExhaustedError(std::move(message));
  }
  return InvalidArgumentError(std::move(message));
}

// Opens a regular file for reading and tells its size. O_NONBLOCK: a FIFO must not hang us.
Result<int> OpenRegular(const std::string& path, size_t* size_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(path, "cannot open");
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    Status status = ErrnoStatus(path, "cannot stat");
    close(fd);
    return status;
  }
  if (!S_ISREG(info.st_mode)) {
    close(fd);
    return InvalidArgumentError(path + ": not a regular file");
  }
  *size_bytes = static_cast<size_t>(info.st_size);
  return fd;
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  size_t size_bytes = 0;
  MAO_ASSIGN_OR_RETURN(const int raw_fd, OpenRegular(path, &size_bytes));
  const FileDescriptor fd(raw_fd);
  MappedFile file;
  if (size_bytes == 0) return file;
  void* data = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(path, "cannot map");
  file.data_ = static_cast<const std::byte*>(data);
  file.size_bytes_ = size_bytes;
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_bytes_);
}

void MappedFile::Forget(std::span<const std::byte> range) const {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(range.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(range.data() + range.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  size_t size_bytes = 0;
  MAO_ASSIGN_OR_RETURN(const int raw_fd, OpenRegular(path, &size_bytes));
  const FileDescriptor fd(raw_fd);
  if (size_bytes > max_bytes) {
    return OutOfRangeError(
        fmt::format("{}: {} bytes, more than the limit of {} bytes", path, size_bytes, max_bytes));
  }
  // The size is a hint: files of /proc and of control groups say 0.
  std::string contents(size_bytes + 1, '\0');
  size_t done = 0;
  for (;;) {
    const ssize_t count = read(fd.get(), contents.data() + done, contents.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(path, "cannot read");
    if (count == 0) break;
    done += static_cast<size_t>(count);
    if (done > max_bytes) {
      return OutOfRangeError(fmt::format("{}: more than the limit of {} bytes", path, max_bytes));
    }
    if (done == contents.size()) contents.resize(2 * done + 4096);
  }
  contents.resize(done);
  return contents;
}

Status WriteFile(const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp";
  {
    const FileDescriptor fd(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) return ErrnoStatus(temporary, "cannot create");
    size_t done = 0;
    while (done < contents.size()) {
      const ssize_t count = write(fd.get(), contents.data() + done, contents.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        Status status = ErrnoStatus(temporary, "cannot write");
        unlink(temporary.c_str());
        return status;
      }
      done += static_cast<size_t>(count);
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return ErrnoStatus(path, "cannot rename to");
  return OkStatus();
}

}  // namespace mao
