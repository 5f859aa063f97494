#include "serve/store/posix_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

namespace mao {

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

Status ErrnoError(const std::string& path, const char* what) {
  const int error = errno;
  std::string message = fmt::format("{}: {}: {}", path, what, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return NotFoundError(std::move(message));
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ResourceExhaustedError(std::move(message));
    default:
      return UnavailableError(std::move(message));
  }
}

Status WriteAll(const UniqueFd& fd, const std::string& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError(path, "cannot write");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return OkStatus();
}

Status SyncFile(const UniqueFd& fd, const std::string& path) {
  if (fdatasync(fd.get()) != 0) return ErrnoError(path, "cannot sync to disk");
  return OkStatus();
}

Status SyncFolder(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(path, "cannot open folder");
  if (fsync(fd.get()) != 0) return ErrnoError(path, "cannot sync to disk");
  return OkStatus();
}

Status MakePrivateFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return OkStatus();
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (errno == ENOENT && !parent.empty() && parent != path) {
    MAO_RETURN_IF_ERROR(MakePrivateFolder(parent));
    if (mkdir(path.c_str(), 0700) == 0) return OkStatus();
  }
  if (errno != EEXIST) return ErrnoError(path, "cannot create folder");
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return ErrnoError(path, "cannot stat");
  if (!S_ISDIR(info.st_mode)) return InvalidArgumentError(path + ": is no folder");
  return OkStatus();
}

}  // namespace mao
