// Everything that the server keeps on disk, opened together: the door to this folder.
#ifndef MAOOCR_SERVE_STORE_PERSISTENT_STORE_H_
#define MAOOCR_SERVE_STORE_PERSISTENT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "serve/store/batch_store.h"
#include "serve/store/blob_store.h"
#include "serve/store/clock.h"
#include "serve/store/data_folder.h"
#include "serve/store/database.h"
#include "serve/store/file_store.h"
#include "serve/store/job_store.h"
#include "serve/store/usage_store.h"

namespace mao {

// docs/persistence.md describes the files and what each promise is worth.
class PersistentStore {
 public:
  struct Options {
    std::string folder;  // created if need be; its parent must be there
    int64_t max_jobs_database_bytes = int64_t{4} << 30;
    int64_t max_usage_database_bytes = int64_t{1} << 30;
    int64_t max_content_bytes = int64_t{32} << 30;
    JobLimits jobs;
    FileLimits files;
    BatchLimits batches;
    UsageLimits usage;
    UtcClock clock = UtcNowMs;
  };

  // Locks the folder, opens both databases, removes what a crash left over and queues again what was
  // running (recovery() tells how many). Errors name the file.
  static Result<std::unique_ptr<PersistentStore>> Open(const Options& options);

  JobStore& jobs() { return jobs_; }
  FileStore& files() { return files_; }
  BatchStore& batches() { return batches_; }
  UsageStore& usage() { return usage_; }
  BlobStore& blobs() { return *blobs_; }
  const JobStore::Recovery& recovery() const { return recovery_; }

  // What time makes necessary: results, files, completion windows, ended batches and old statistics
  // that are over. Once a minute or so. Tries everything and returns the first error.
  Status Sweep();

 private:
  PersistentStore(const Options& options, DataFolder folder,
                  std::unique_ptr<Database> jobs_database, std::unique_ptr<Database> usage_database,
                  std::unique_ptr<BlobStore> blobs);

  // In this order: what stands below uses what stands above, and goes first.
  DataFolder folder_;
  std::unique_ptr<Database> jobs_database_;
  std::unique_ptr<Database> usage_database_;
  std::unique_ptr<BlobStore> blobs_;
  JobStore jobs_;
  FileStore files_;
  BatchStore batches_;
  UsageStore usage_;
  JobStore::Recovery recovery_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_PERSISTENT_STORE_H_
