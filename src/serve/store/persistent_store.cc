#include "serve/store/persistent_store.h"

#include <utility>

#include "serve/store/jobs_schema.h"

namespace mao {

PersistentStore::PersistentStore(const Options& options, DataFolder folder,
                                 std::unique_ptr<Database> jobs_database,
                                 std::unique_ptr<Database> usage_database,
                                 std::unique_ptr<BlobStore> blobs)
    : folder_(std::move(folder)),
      jobs_database_(std::move(jobs_database)),
      usage_database_(std::move(usage_database)),
      blobs_(std::move(blobs)),
      jobs_(jobs_database_.get(), blobs_.get(), options.jobs, options.clock),
      files_(jobs_database_.get(), blobs_.get(), options.files, options.clock),
      batches_(jobs_database_.get(), blobs_.get(), &jobs_, &files_, options.batches, options.clock),
      usage_(usage_database_.get(), options.usage, options.clock) {}

Result<std::unique_ptr<PersistentStore>> PersistentStore::Open(const Options& options) {
  MAO_ASSIGN_OR_RETURN(DataFolder folder, DataFolder::Open(options.folder));
  MAO_ASSIGN_OR_RETURN(auto jobs_database,
                       Database::Open({.path = folder.PathOf("jobs.db"),
                                       .migrations = JobsMigrations(),
                                       .max_bytes = options.max_jobs_database_bytes}));
  MAO_ASSIGN_OR_RETURN(auto usage_database,
                       Database::Open({.path = folder.PathOf("usage.db"),
                                       .migrations = UsageMigrations(),
                                       .max_bytes = options.max_usage_database_bytes}));
  MAO_ASSIGN_OR_RETURN(auto blobs, BlobStore::Open({.folder = folder.PathOf("blobs"),
                                                    .max_total_bytes = options.max_content_bytes},
                                                   jobs_database.get()));
  std::unique_ptr<PersistentStore> store(
      new PersistentStore(options, std::move(folder), std::move(jobs_database),
                          std::move(usage_database), std::move(blobs)));
  MAO_ASSIGN_OR_RETURN(store->recovery_, store->jobs_.RecoverAfterCrash());
  return store;
}

Status PersistentStore::Sweep() {
  const Status statuses[] = {
      batches_.ExpireWindows().status(), jobs_.ExpireResults().status(), files_.Expire().status(),
      batches_.DeleteOld().status(),     usage_.DeleteOld().status(),
  };
  for (const Status& status : statuses) MAO_RETURN_IF_ERROR(status);
  return OkStatus();
}

}  // namespace mao
