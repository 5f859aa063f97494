#include "models/quantize_folder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "weights/json_reader.h"
#include "weights/message.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

std::string UnfinishedPath(const std::string& folder) { return folder + "/" + kUnfinishedFile; }

std::string JsonOf(const Metadata& metadata) {
  std::vector<std::string> entries;
  for (const auto& [key, value] : metadata) {
    entries.push_back(fmt::format("    {}: {}", JsonQuote(key), JsonQuote(value)));
  }
  return fmt::format("{{\n  \"metadata\": {{\n{}\n  }}\n}}\n", fmt::join(entries, ",\n"));
}

// "quantization is int8, not int4": what another output's metadata has otherwise.
std::string Differences(const Metadata& found, const Metadata& wanted) {
  std::vector<std::string> differences;
  for (const auto& [key, value] : wanted) {
    const auto entry = found.find(key);
    const std::string other = entry == found.end() ? "absent" : Quoted(entry->second);
    if (entry == found.end() || entry->second != value) {
      differences.push_back(fmt::format("{} is {}, not {}", key, other, Quoted(value)));
    }
  }
  return fmt::format("{}", fmt::join(differences, "; "));
}

// Whether nothing is there but what a call that was ended in its first moments leaves.
bool IsEmpty(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename() != std::string(kUnfinishedFile) + ".tmp") return false;
  }
  return !error;
}

}  // namespace

// Ends with the process, however that ends.
class QuantizeFolder::Lock {
 public:
  explicit Lock(const std::string& folder)
      : fd_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Lock() {
    if (fd_ >= 0) close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  Status Take(const std::string& folder) const {
    if (fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0) return OkStatus();
    if (fd_ >= 0 && errno == EWOULDBLOCK) {
      return UnavailableError(
          fmt::format("{}: another `maoocr quantize` is writing there", folder));
    }
    return InvalidArgumentError(fmt::format("{}: cannot lock: {}", folder, std::strerror(errno)));
  }

 private:
  int fd_;
};

Result<QuantizeFolder> QuantizeFolder::Open(const std::string& folder, const Metadata& metadata,
                                            const ModelTensors& model) {
  QuantizeFolder output(folder);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return InvalidArgumentError(
        fmt::format("{}: cannot make the folder: {}", folder, error.message()));
  }
  output.lock_ = std::make_shared<Lock>(folder);
  MAO_RETURN_IF_ERROR(output.lock_->Take(folder));
  if (IsEmpty(folder)) MAO_RETURN_IF_ERROR(output.Begin(metadata));
  output.is_complete_ = !fs::exists(UnfinishedPath(folder), error);
  MAO_RETURN_IF_ERROR(output.is_complete_ ? output.CheckComplete(metadata, model)
                                          : output.CheckBegun(metadata));
  return output;
}

Status QuantizeFolder::Begin(const Metadata& metadata) {
  return WriteFile(UnfinishedPath(folder_), JsonOf(metadata));
}

Status QuantizeFolder::CheckBegun(const Metadata& metadata) const {
  const std::string path = UnfinishedPath(folder_);
  MAO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, JsonReader::kMaxBytes));
  MAO_ASSIGN_OR_RETURN(JsonReader reader, JsonReader::Parse(text, path));
  const auto entries = reader.RequiredStringMap("metadata");
  MAO_RETURN_IF_ERROR(reader.status());
  const Metadata found(entries.begin(), entries.end());
  if (found == metadata) return OkStatus();
  return InvalidArgumentError(
      fmt::format("{}: holds the unfinished output of another source or other options ({}); "
                  "give another folder, or remove this one",
                  folder_, Differences(found, metadata)));
}

Status QuantizeFolder::CheckComplete(const Metadata& metadata, const ModelTensors& model) const {
  const auto checkpoint = Checkpoint::Open(folder_);
  const auto stored = checkpoint.ok() ? StoredWeights::Verify(*checkpoint, model)
                                      : Result<StoredWeights>(checkpoint.status());
  if (!stored.ok() || !stored->packed().has_value()) {
    return InvalidArgumentError(
        fmt::format("{}: is not empty and not a packed model ({}); give the name of a new folder",
                    folder_, stored.ok() ? "its weights are plain" : stored.status().message()));
  }
  const auto& entries = checkpoint->shards().front().metadata;
  const Metadata found(entries.begin(), entries.end());
  if (found == metadata) return OkStatus();
  return InvalidArgumentError(
      fmt::format("{}: holds the packed model of another source or of other options ({}); give "
                  "another folder",
                  folder_, Differences(found, metadata)));
}

Status QuantizeFolder::Finish() {
  std::error_code error;
  fs::remove(UnfinishedPath(folder_), error);
  lock_.reset();
  if (!error) return OkStatus();
  return InvalidArgumentError(
      fmt::format("{}: cannot remove: {}", UnfinishedPath(folder_), error.message()));
}

}  // namespace mao
