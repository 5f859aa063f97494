#include "serve/store/data_folder.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/core.h>

namespace mao {
namespace {

// What the process that holds the lock wrote into it: its id.
std::string ReadHolder(const UniqueFd& lock) {
  std::array<char, 32> text = {};
  const ssize_t count = pread(lock.get(), text.data(), text.size(), 0);
  std::string holder(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  holder.resize(std::min(holder.find('\n'), holder.size()));
  return holder.empty() ? "unknown" : holder;
}

Status WriteHolder(const UniqueFd& lock, const std::string& path) {
  if (ftruncate(lock.get(), 0) != 0) return ErrnoError(path, "cannot write");
  const std::string text = fmt::format("{}\n", getpid());
  return WriteAll(lock, path, std::as_bytes(std::span(text)));
}

}  // namespace

Result<DataFolder> DataFolder::Open(const std::string& path) {
  if (path.empty()) return InvalidArgumentError("data folder: its path is empty");
  MAO_RETURN_IF_ERROR(MakePrivateFolder(path));
  const std::string lock_path = path + "/lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return ErrnoError(lock_path, "cannot open");
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoError(lock_path, "cannot lock");
    return UnavailableError(fmt::format("{}: another process (id {}) is using this data folder",
                                        path, ReadHolder(lock)));
  }
  MAO_RETURN_IF_ERROR(WriteHolder(lock, lock_path));
  return DataFolder(path, std::move(lock));
}

std::string DataFolder::PathOf(std::string_view file_name) const {
  return fmt::format("{}/{}", path_, file_name);
}

}  // namespace mao
