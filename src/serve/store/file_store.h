// Files that clients upload or batches produce, in the sense of OpenAI's Files.
#ifndef MAOOCR_SERVE_STORE_FILE_STORE_H_
#define MAOOCR_SERVE_STORE_FILE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "serve/store/blob_store.h"
#include "serve/store/clock.h"

namespace mao {

class Database;
class Transaction;

struct FileLimits {
  int64_t max_file_bytes = int64_t{512} << 20;
  int64_t max_files_per_owner = 10'000;
  int64_t max_bytes_per_owner = int64_t{8} << 30;
  int64_t max_files = 100'000;
  int64_t max_bytes = int64_t{16} << 30;
};

struct StoredFile {
  std::string id;  // "file-" and 32 hex digits
  std::string owner;
  std::string filename;
  std::string purpose;
  int64_t size_bytes = 0;
  std::string sha256;
  int64_t created_ms = 0;
  int64_t expires_ms = 0;  // 0: never
};

struct NewFile {
  std::string owner;
  std::string filename;
  std::string purpose;        // batch, ocr, user_data or vision
  int64_t expires_in_ms = 0;  // 0: never
};

struct FilePage {
  std::vector<StoredFile> files;  // newest first
  bool has_more = false;
};

class FileStore;

// A file on its way in. What is not finished is removed.
class FileUpload {
 public:
  // Errors as BlobWriter::Append; ResourceExhausted also when the owner's quota, or that of all, is
  // used up.
  Status Append(std::span<const std::byte> bytes);

  // Durable when it returns. Once at most.
  Result<StoredFile> Finish();

 private:
  friend class FileStore;
  FileUpload(FileStore* store, NewFile file, BlobWriter writer, int64_t quota_bytes)
      : store_(store),
        file_(std::move(file)),
        writer_(std::move(writer)),
        quota_bytes_(quota_bytes) {}

  FileStore* store_;
  NewFile file_;
  BlobWriter writer_;
  int64_t quota_bytes_;  // what was left when the upload began; Finish asks again
};

// Thread-safe. Another owner's file is treated as one that is not there.
class FileStore {
 public:
  static constexpr size_t kMaxPage = 10'000;

  // Both must outlive the store.
  FileStore(Database* database, BlobStore* blobs, FileLimits limits, UtcClock clock);

  // InvalidArgument: an unknown purpose, a file name that is empty, longer than 255 bytes or holds
  // control characters. ResourceExhausted: a quota is used up.
  Result<FileUpload> Begin(const NewFile& file);

  Result<StoredFile> Get(std::string_view owner, std::string_view id);

  // The content, mapped; it stays readable after the file was deleted.
  Result<MappedFile> Content(std::string_view owner, std::string_view id);

  // `purpose` empty: all; `after_id` empty: begin with the newest. InvalidArgument.
  Result<FilePage> List(std::string_view owner, std::string_view purpose, std::string_view after_id,
                        size_t limit);

  // A batch that reads the file keeps its content.
  Status Delete(std::string_view owner, std::string_view id);

  // Deletes files whose time is over; returns how many.
  Result<int64_t> Expire();

 private:
  friend class BatchStore;  // stores what batches produce
  friend class FileUpload;

  // What the owner may still add, in bytes. ResourceExhausted: no further file.
  Result<int64_t> QuotaLeft(Transaction* transaction, std::string_view owner) const;
  Result<StoredFile> Store(const NewFile& file, const StoredBlob& blob);
  // The row; without a look at quotas.
  Result<StoredFile> Insert(Transaction* transaction, const NewFile& file,
                            const StoredBlob& blob) const;

  Database* const database_;
  BlobStore* const blobs_;
  const FileLimits limits_;
  const UtcClock clock_;
};

// The owner's file; NotFound.
Result<StoredFile> FindFile(Transaction* transaction, std::string_view owner, std::string_view id);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_FILE_STORE_H_
