#include "serve/store/blob_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/store/database.h"
#include "serve/store/random_id.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIncoming = "incoming";

int64_t SizeOnDisk(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? static_cast<int64_t>(info.st_size) : -1;
}

// The files of a folder; none when it cannot be read, which later writing into it will tell.
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  return names;
}

}  // namespace

StoredBlob::~StoredBlob() {
  if (store_ != nullptr) store_->Unpin(sha256_);
}

void BlobWriter::DigestDeleter::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

BlobWriter::BlobWriter(BlobWriter&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      name_(std::move(other.name_)),
      max_bytes_(other.max_bytes_),
      path_(std::move(other.path_)),
      fd_(std::move(other.fd_)),
      digest_(std::move(other.digest_)),
      size_bytes_(other.size_bytes_) {}

BlobWriter::~BlobWriter() {
  if (store_ == nullptr) return;
  unlink(path_.c_str());
  store_->Unreserve(size_bytes_);
}

Status BlobWriter::Append(std::span<const std::byte> bytes) {
  const auto count = static_cast<int64_t>(bytes.size());
  if (count > max_bytes_ - size_bytes_) {
    return OutOfRangeError(fmt::format("{}: more than the limit of {} bytes", name_, max_bytes_));
  }
  MAO_RETURN_IF_ERROR(store_->Reserve(name_, count));
  size_bytes_ += count;
  if (EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size()) != 1) {
    return UnavailableError(name_ + ": libcrypto cannot compute SHA-256");
  }
  return WriteAll(fd_, path_, bytes).WithContext(name_);
}

Result<StoredBlob> BlobWriter::Finish() {
  MAO_RETURN_IF_ERROR(SyncFile(fd_, path_).WithContext(name_));
  return store_->Adopt(this);
}

Result<std::unique_ptr<BlobStore>> BlobStore::Open(const Options& options, Database* database) {
  std::unique_ptr<BlobStore> store(new BlobStore(options, database));
  MAO_RETURN_IF_ERROR(store->MakeFolders());
  MAO_RETURN_IF_ERROR(store->Sweep());
  return store;
}

// All folders at once, so that no later rename has to sync the folder above its own.
Status BlobStore::MakeFolders() const {
  MAO_RETURN_IF_ERROR(MakePrivateFolder(options_.folder));
  MAO_RETURN_IF_ERROR(MakePrivateFolder(fmt::format("{}/{}", options_.folder, kIncoming)));
  for (int i = 0; i < 256; ++i) {
    MAO_RETURN_IF_ERROR(MakePrivateFolder(fmt::format("{}/{:02x}", options_.folder, i)));
  }
  return SyncFolder(options_.folder);
}

Status BlobStore::Sweep() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string incoming = fmt::format("{}/{}", options_.folder, kIncoming);
  for (const std::string& name : FilesIn(incoming)) {
    unlink(fmt::format("{}/{}", incoming, name).c_str());
  }
  for (int i = 0; i < 256; ++i) {
    for (const std::string& sha256 : FilesIn(fmt::format("{}/{:02x}", options_.folder, i))) {
      total_bytes_ += std::max<int64_t>(0, SizeOnDisk(PathOf(sha256)));
      RemoveIfUnusedLocked(sha256);
    }
  }
  return OkStatus();
}

Result<BlobWriter> BlobStore::Begin(std::string_view name, int64_t max_bytes) {
  BlobWriter writer(this, std::string(name), max_bytes);
  MAO_ASSIGN_OR_RETURN(const std::string file_name, RandomId(""));
  writer.path_ = fmt::format("{}/{}/{}", options_.folder, kIncoming, file_name);
  writer.fd_ = UniqueFd(open(writer.path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!writer.fd_.valid()) return ErrnoError(writer.path_, "cannot create");
  writer.digest_.reset(EVP_MD_CTX_new());
  if (writer.digest_ == nullptr ||
      EVP_DigestInit_ex(writer.digest_.get(), EVP_sha256(), nullptr) != 1) {
    return UnavailableError(fmt::format("{}: libcrypto offers no SHA-256", name));
  }
  return writer;
}

Result<StoredBlob> BlobStore::Put(std::string_view name, std::string_view contents,
                                  int64_t max_bytes) {
  MAO_ASSIGN_OR_RETURN(BlobWriter writer, Begin(name, max_bytes));
  MAO_RETURN_IF_ERROR(writer.Append(AsBytes(contents)));
  return writer.Finish();
}

// Gives the finished file its name and pins it.
Result<StoredBlob> BlobStore::Adopt(BlobWriter* writer) {
  std::array<uint8_t, 32> digest = {};
  if (EVP_DigestFinal_ex(writer->digest_.get(), digest.data(), nullptr) != 1) {
    return UnavailableError(writer->name_ + ": libcrypto cannot compute SHA-256");
  }
  std::string sha256 = HexOf(digest);
  const std::string folder = fmt::format("{}/{}", options_.folder, sha256.substr(0, 2));
  MAO_RETURN_IF_ERROR(GiveName(*writer, sha256));
  StoredBlob blob(this, std::move(sha256), writer->size_bytes_);
  writer->store_ = nullptr;
  // Also for a content that was there: whoever brought it may not have come this far.
  MAO_RETURN_IF_ERROR(SyncFolder(folder));
  return blob;
}

Status BlobStore::GiveName(const BlobWriter& writer, const std::string& sha256) {
  const std::string path = PathOf(sha256);
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t size_there = SizeOnDisk(path);
  if (size_there == writer.size_bytes_) {
    unlink(writer.path_.c_str());
    total_bytes_ -= writer.size_bytes_;
  } else {
    // One of another size is damaged, and healed by this.
    if (std::rename(writer.path_.c_str(), path.c_str()) != 0) {
      return ErrnoError(path, "cannot rename to");
    }
    total_bytes_ -= std::max<int64_t>(0, size_there);
  }
  ++num_pins_[sha256];
  return OkStatus();
}

Result<MappedFile> BlobStore::Map(const std::string& sha256, int64_t size_bytes) const {
  const std::string path = PathOf(sha256);
  auto file = MappedFile::Open(path);
  if (!file.ok()) return DataLossError("stored content is gone: " + file.status().message());
  if (static_cast<int64_t>(file->bytes().size()) != size_bytes) {
    return DataLossError(fmt::format("{}: stored content is damaged: {} bytes, not {}", path,
                                     file->bytes().size(), size_bytes));
  }
  return file;
}

void BlobStore::RemoveUnused(std::span<const std::string> sha256s) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& sha256 : sha256s) RemoveIfUnusedLocked(sha256);
}

int64_t BlobStore::total_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return total_bytes_;
}

Status BlobStore::Reserve(std::string_view name, int64_t size_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (size_bytes > options_.max_total_bytes - total_bytes_) {
    return ResourceExhaustedError(
        fmt::format("{}: the store of contents is full: {} bytes in use, the limit is {} bytes",
                    name, total_bytes_, options_.max_total_bytes));
  }
  total_bytes_ += size_bytes;
  return OkStatus();
}

void BlobStore::Unreserve(int64_t size_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  total_bytes_ -= size_bytes;
}

void BlobStore::Unpin(const std::string& sha256) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto pins = num_pins_.find(sha256);
  if (--pins->second > 0) return;
  num_pins_.erase(pins);
  RemoveIfUnusedLocked(sha256);
}

// Keeps the file when in doubt; the next Sweep asks again.
void BlobStore::RemoveIfUnusedLocked(const std::string& sha256) {
  if (num_pins_.contains(sha256)) return;
  const auto is_named = IsNamed(sha256);
  if (!is_named.ok()) LogWarning(is_named.status().WithContext("stored content kept").ToString());
  if (!is_named.ok() || *is_named) return;
  const std::string path = PathOf(sha256);
  const int64_t size_bytes = SizeOnDisk(path);
  if (size_bytes < 0) return;
  if (unlink(path.c_str()) != 0) {
    LogWarning(ErrnoError(path, "cannot remove").ToString());
    return;
  }
  total_bytes_ -= size_bytes;
}

Result<bool> BlobStore::IsNamed(const std::string& sha256) const {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(
      const int64_t is_named,
      transaction.QueryInt("SELECT EXISTS (SELECT 1 FROM job_inputs WHERE sha256 = ?1)"
                           " OR EXISTS (SELECT 1 FROM files WHERE sha256 = ?1)"
                           " OR EXISTS (SELECT 1 FROM batches WHERE input_sha256 = ?1)",
                           {sha256}));
  return is_named != 0;
}

std::string BlobStore::PathOf(std::string_view sha256) const {
  return fmt::format("{}/{}/{}", options_.folder, sha256.substr(0, 2), sha256);
}

}  // namespace mao
