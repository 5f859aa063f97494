// The folder that holds everything that outlives the server, held by one process at a time.
#ifndef MAOOCR_SERVE_STORE_DATA_FOLDER_H_
#define MAOOCR_SERVE_STORE_DATA_FOLDER_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/store/posix_file.h"

namespace mao {

// Why a lock file and not SQLite's exclusive mode: the folder holds two databases and files beside
// them, and with this lock `sqlite3 jobs.db ".backup …"` still works while the server runs. flock
// ends with the process, however it ends, so that no stale lock is ever left.
class DataFolder {
 public:
  // Creates the folder (mode 0700, its parent must be there) and locks it. Errors name the folder:
  // Unavailable with the process id when another process holds it, NotFound, InvalidArgument.
  static Result<DataFolder> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view file_name) const;

 private:
  DataFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_DATA_FOLDER_H_
