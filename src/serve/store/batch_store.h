// Batches in the sense of OpenAI's: a file of requests, one a line, that become jobs, and files of
// what came out of them.
//
// Life: validating -> in_progress -> finalizing -> completed; validating -> failed; in_progress ->
// cancelling -> cancelled; in_progress -> finalizing -> expired when the completion window ends. The
// service reads the input file (FileStore::Content) and either calls Start with all lines or
// FailValidation; after a crash batches that are "validating" are validated again.
#ifndef MAOOCR_SERVE_STORE_BATCH_STORE_H_
#define MAOOCR_SERVE_STORE_BATCH_STORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/store/clock.h"
#include "serve/store/file_store.h"
#include "serve/store/job_store.h"
#include "serve/store/stored_batch.h"

namespace mao {

struct BatchLimits {
  size_t max_lines = 50'000;
  int64_t max_batches = 10'000;                            // kept, those that ended included
  int64_t batch_ttl_ms = int64_t{30} * 24 * 3600 * 1000;   // after its end
  int64_t output_ttl_ms = int64_t{30} * 24 * 3600 * 1000;  // of output and error files
  int64_t max_output_bytes = int64_t{4} << 30;             // of each of these
};

struct NewBatch {
  std::string owner;
  std::string input_file_id;
  std::string endpoint;
  std::string completion_window;  // as the client wrote it, such as "24h"
  int64_t window_ms = 0;
  std::string metadata;  // a JSON object, or empty
};

// Where a line's request stands in the input file, so that it is not stored twice.
struct BatchLine {
  std::string custom_id;
  int64_t offset = 0;
  int64_t size_bytes = 0;
};

struct BatchPage {
  std::vector<StoredBatch> batches;  // newest first
  bool has_more = false;
};

// Thread-safe. Another owner's batch is treated as one that is not there.
class BatchStore {
 public:
  static constexpr size_t kMaxPage = 100;

  // All must outlive the store.
  BatchStore(Database* database, BlobStore* blobs, JobStore* jobs, FileStore* files,
             BatchLimits limits, UtcClock clock);

  // Durable when it returns. Keeps the input's content whatever becomes of the file. NotFound: the
  // input file; InvalidArgument: it has another purpose than "batch", or a field is wrong;
  // ResourceExhausted.
  Result<StoredBatch> Create(const NewBatch& batch);

  // Makes a queued job of each line (JobStore::RequestOf gives the line as it stands in the file),
  // in one transaction, so that a crash leaves all or none. Errors: InvalidArgument (the batch is
  // not validating; no lines; a custom_id that is empty, too long or there twice; a range outside of
  // the file), OutOfRange (too many lines), ResourceExhausted (the queue is full).
  Result<StoredBatch> Start(std::string_view id, std::string_view kind, int32_t priority,
                            std::span<const BatchLine> lines);

  // `errors`: JSON. InvalidArgument: the batch is not validating.
  Result<StoredBatch> FailValidation(std::string_view id, std::string_view errors);

  Result<StoredBatch> Get(std::string_view owner, std::string_view id);
  Result<BatchPage> List(std::string_view owner, std::string_view after_id, size_t limit);

  // Of all owners, oldest first: what a service that starts takes up again.
  Result<std::vector<StoredBatch>> ListByStatus(BatchStatus status, size_t limit);

  // Lines that wait are cancelled, those that run asked to stop; a batch that has ended, or is about
  // to, stays as it is. Returns the batch after that.
  Result<StoredBatch> Cancel(std::string_view owner, std::string_view id);

  // Ends the waiting lines of batches whose window is over; returns how many batches there were.
  Result<int64_t> ExpireWindows();

  // Batches whose lines have all ended and that Finalize shall deal with, oldest first.
  Result<std::vector<std::string>> ReadyToFinalize(size_t limit);

  // Writes output and error file and ends the batch. In the output file are the lines that
  // succeeded, in the error file all others, each in the order of the input. May be called again
  // after an error or a crash; a batch that has ended stays as it is.
  Result<StoredBatch> Finalize(std::string_view id);

  // Deletes batches that ended long ago; returns how many.
  Result<int64_t> DeleteOld();

 private:
  struct Outputs {
    std::optional<BlobWriter> output;  // absent: no line
    std::optional<BlobWriter> errors;
  };

  Status CheckLines(const StoredBatch& batch, int64_t input_bytes,
                    std::span<const BatchLine> lines) const;
  Status InsertLines(Transaction* transaction, const StoredBatch& batch, std::string_view kind,
                     int32_t priority, std::span<const BatchLine> lines) const;
  // Ends waiting lines, asks running ones to stop, and tells which lines those are.
  Status StopLines(Transaction* transaction, std::string_view id, const JobError* error,
                   std::vector<std::string>* changed) const;
  Status ExpireWindow(std::string_view id);
  Result<StoredBatch> BeginFinalizing(std::string_view id);
  Status WriteOutputs(const StoredBatch& batch, Outputs* outputs) const;
  Status AppendTo(std::optional<BlobWriter>* writer, const StoredBatch& batch,
                  std::string_view what, const std::string& line) const;
  Result<std::string> StoreOutput(Transaction* transaction, const StoredBatch& batch,
                                  std::string_view what,
                                  const std::optional<StoredBlob>& blob) const;
  Result<StoredBatch> EndWith(const StoredBatch& batch, const std::optional<StoredBlob>& output,
                              const std::optional<StoredBlob>& errors);

  Database* const database_;
  BlobStore* const blobs_;
  JobStore* const jobs_;
  FileStore* const files_;
  const BatchLimits limits_;
  const UtcClock clock_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_BATCH_STORE_H_
