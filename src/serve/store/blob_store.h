// Contents (page images, uploaded and produced files) as files named by their SHA-256.
//
// Files and not rows, since a content of 50 MB would pass through the database's log, its page cache
// and its write lock. Contents that are equal are kept once. There are no reference counts that could
// drift: a content lives while a row of the jobs database names it (job_inputs, files, batches) or a
// StoredBlob in this process holds it.
//
// Crash-safe by order: a content is written under another name, synced and renamed before any row
// can name it, and removed only after the last row is durably gone. What a crash leaves over is a
// file that no row names; the next Open removes it.
#ifndef MAOOCR_SERVE_STORE_BLOB_STORE_H_
#define MAOOCR_SERVE_STORE_BLOB_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "serve/store/posix_file.h"

struct evp_md_ctx_st;

namespace mao {

class BlobStore;
class Database;

// Keeps a content from being removed. Must go before its store, and outside of any transaction.
class StoredBlob {
 public:
  StoredBlob(StoredBlob&& other) noexcept
      : store_(std::exchange(other.store_, nullptr)),
        sha256_(std::move(other.sha256_)),
        size_bytes_(other.size_bytes_) {}
  StoredBlob& operator=(StoredBlob&&) = delete;
  ~StoredBlob();

  const std::string& sha256() const { return sha256_; }  // 64 lower-case hex digits
  int64_t size_bytes() const { return size_bytes_; }

 private:
  friend class BlobStore;
  StoredBlob(BlobStore* store, std::string sha256, int64_t size_bytes)
      : store_(store), sha256_(std::move(sha256)), size_bytes_(size_bytes) {}

  BlobStore* store_;  // null once moved from
  std::string sha256_;
  int64_t size_bytes_;
};

// A content on its way in, chunk by chunk. What is not finished is removed.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&& other) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  // OutOfRange above the writer's limit, ResourceExhausted when the store or the disk is full. No
  // more can be appended after an error.
  Status Append(std::span<const std::byte> bytes);
  int64_t size_bytes() const { return size_bytes_; }

  // Durable when it returns. Once at most.
  Result<StoredBlob> Finish();

 private:
  friend class BlobStore;
  struct DigestDeleter {
    void operator()(evp_md_ctx_st* context) const;
  };

  BlobWriter(BlobStore* store, std::string name, int64_t max_bytes)
      : store_(store), name_(std::move(name)), max_bytes_(max_bytes) {}

  BlobStore* store_;  // null once finished or moved from
  std::string name_;  // what messages call it
  int64_t max_bytes_;
  std::string path_;
  UniqueFd fd_;
  std::unique_ptr<evp_md_ctx_st, DigestDeleter> digest_;
  int64_t size_bytes_ = 0;
};

// Thread-safe. Locks its own mutex before that of the database.
class BlobStore {
 public:
  struct Options {
    std::string folder;
    int64_t max_total_bytes = int64_t{32} << 30;  // of all contents, those coming in included
  };

  // Creates the folder and removes what a crash left over. `database` is that of the jobs.
  static Result<std::unique_ptr<BlobStore>> Open(const Options& options, Database* database);

  // `name` is what messages call the content.
  Result<BlobWriter> Begin(std::string_view name, int64_t max_bytes);

  // A whole content at once.
  Result<StoredBlob> Put(std::string_view name, std::string_view contents, int64_t max_bytes);

  // The content, mapped; it stays readable after it has been removed. DataLoss: it is not there or
  // has another size than `size_bytes`.
  Result<MappedFile> Map(const std::string& sha256, int64_t size_bytes) const;

  // Removes those that nothing names any more. Call it after a transaction took names away.
  void RemoveUnused(std::span<const std::string> sha256s);

  int64_t total_bytes() const;

 private:
  friend class BlobWriter;
  friend class StoredBlob;

  BlobStore(Options options, Database* database)
      : options_(std::move(options)), database_(database) {}

  Status MakeFolders() const;
  Status Sweep();
  Status Reserve(std::string_view name, int64_t size_bytes);
  void Unreserve(int64_t size_bytes);
  Result<StoredBlob> Adopt(BlobWriter* writer);
  Status GiveName(const BlobWriter& writer, const std::string& sha256);
  void Unpin(const std::string& sha256);
  void RemoveIfUnusedLocked(const std::string& sha256);
  Result<bool> IsNamed(const std::string& sha256) const;
  std::string PathOf(std::string_view sha256) const;

  const Options options_;
  Database* const database_;
  mutable std::mutex mutex_;  // guards all below, and the renaming and removing of contents
  int64_t total_bytes_ = 0;
  std::unordered_map<std::string, int> num_pins_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_BLOB_STORE_H_
