// Asynchronous jobs that survive the server: accepted once, finished once.
//
// Life: queued -> running -> succeeded | failed | cancelled -> expired -> gone. A result is written
// in the transaction that ends the job, so a job that has ended is never run again; one that was
// running when the process died is queued again by RecoverAfterCrash.
#ifndef MAOOCR_SERVE_STORE_JOB_STORE_H_
#define MAOOCR_SERVE_STORE_JOB_STORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/store/clock.h"
#include "serve/store/job_waiters.h"
#include "serve/store/stored_job.h"

namespace mao {

class Database;
class Transaction;
struct JobRow;

struct JobLimits {
  size_t max_request_bytes = size_t{8} << 20;  // images are inputs, not part of the request
  size_t max_result_bytes = size_t{64} << 20;
  size_t max_inputs = 1000;
  int64_t max_queued = 100'000;
  int64_t max_queued_per_owner = 100'000;
  int64_t max_jobs = 1'000'000;  // in all states
  int32_t max_attempts = 3;      // starts that may end with the process before the job is failed
  int64_t result_ttl_ms = int64_t{24} * 3600 * 1000;
  int64_t expired_ttl_ms = int64_t{7} * 24 * 3600 * 1000;  // how long "expired" can be told
  int32_t max_callback_attempts = 8;
  int64_t first_callback_delay_ms = 5000;  // doubled by each further attempt
  int64_t max_callback_delay_ms = int64_t{3600} * 1000;
  size_t max_waiters = 1024;  // threads in WaitForChange; workers in ClaimNext have their own 1024
};

struct EnqueuedJob {
  StoredJob job;
  bool created = false;  // false: the owner's idempotency key names this earlier job
};

struct JobFilter {
  std::string owner;
  std::optional<JobState> state;
  std::string after_id;  // the last job of the page before; empty: begin with the newest
  size_t limit = 20;     // 1 to kMaxPage
};

struct JobPage {
  std::vector<StoredJob> jobs;  // newest first
  bool has_more = false;
};

struct DueCallback {
  std::string job_id;
  std::string url;
  int32_t attempts = 0;  // that failed before
  JobState state = JobState::kSucceeded;
  int64_t finished_ms = 0;
};

struct JobStatistics {
  std::array<int64_t, 6> num_jobs = {};  // indexed by JobState, lines of batches included
  int64_t oldest_queued_age_ms = 0;
};

// Thread-safe. Functions that take an owner treat another owner's job as one that is not there.
class JobStore {
 public:
  static constexpr size_t kMaxPage = 100;

  // Both must outlive the store.
  JobStore(Database* database, BlobStore* blobs, JobLimits limits, UtcClock clock);

  // Durable, also against a power failure, when it returns. Errors: InvalidArgument, OutOfRange (a
  // field above its limit), ResourceExhausted (the queue or the disk is full).
  Result<EnqueuedJob> Enqueue(const NewJob& job);

  Result<StoredJob> Get(std::string_view owner, std::string_view id);

  // The JSON that Succeed wrote. NotFound when the job has none (yet, or any more).
  Result<std::string> ResultOf(std::string_view owner, std::string_view id);

  // InvalidArgument: after_id is no job of this owner, or the limit is out of range. Lines of
  // batches are not listed.
  Result<JobPage> List(const JobFilter& filter);

  // The job once its version is not `version`, or as it is when the time is up (at most an hour).
  Result<StoredJob> WaitForChange(std::string_view owner, std::string_view id, int64_t version,
                                  int64_t timeout_ms);

  // A queued job is cancelled at once; a running one is asked to stop; one that has ended stays as
  // it is. Returns the job after that.
  Result<StoredJob> Cancel(std::string_view owner, std::string_view id);

  // InvalidArgument while it is running, and for lines of batches.
  Status Delete(std::string_view owner, std::string_view id);

  // For workers: the next job by priority, then age, now running. Waits for one up to the timeout
  // (0: not at all); nullopt when there is none.
  Result<std::optional<ClaimedJob>> ClaimNext(int64_t timeout_ms);

  // The request as it was enqueued; for the line of a batch that line of the input file.
  Result<std::string> RequestOf(const JobClaim& claim);

  // These four fail with InvalidArgument once the claim is over. Progress returns whether the job
  // was asked to stop; a message longer than 1000 bytes is cut, as are those of errors.
  Result<bool> Progress(const JobClaim& claim, const JobProgress& progress);
  // OutOfRange, InvalidArgument: the result is too large or no JSON; the job is still running.
  Status Succeed(const JobClaim& claim, std::string_view result);
  Status Fail(const JobClaim& claim, const JobError& error);
  Status FinishCancelled(const JobClaim& claim);

  // Back into the queue without counting the attempt, for an orderly shutdown.
  Status Release(const JobClaim& claim);

  struct Recovery {
    int64_t num_queued = 0;
    int64_t num_failed = 0;     // after max_attempts: a job that brings the process down must end
    int64_t num_cancelled = 0;  // had been asked to stop
  };
  // Deals with jobs that were running when the process died. Once, before the first ClaimNext.
  Result<Recovery> RecoverAfterCrash();

  // Removes requests and results whose time is over; such jobs are "expired" for a while, then
  // gone. Returns how many jobs changed.
  Result<int64_t> ExpireResults();

  // Callbacks to be made now, oldest first. The caller tells each outcome before it asks again; the
  // next attempt is due later, doubling. One made just before a crash is made again.
  Result<std::vector<DueCallback>> DueCallbacks(size_t limit);
  Status RecordCallback(std::string_view job_id, bool delivered);

  Result<JobStatistics> Statistics();

  // Ends all waiting, for good: what would wait returns what it has. Workers still get the jobs that
  // were enqueued before, one by one.
  void StopWaiting();

 private:
  friend class BatchStore;  // makes jobs of lines, in transactions of its own

  Status CheckNewJob(const NewJob& job) const;
  Status CheckRoom(Transaction* transaction, std::string_view owner, int64_t num_new) const;
  Status Insert(Transaction* transaction, const NewJob& job, std::string_view id) const;
  Result<std::optional<ClaimedJob>> ClaimNow();
  Status Finish(const JobClaim& claim, JobState state, const std::optional<JobError>& error,
                std::optional<std::string_view> result);
  // Ends a job that is queued or running; appends contents that it does not name any more.
  Status End(Transaction* transaction, const JobRow& row, JobState state,
             const std::optional<JobError>& error, std::vector<std::string>* unused);
  Status Requeue(Transaction* transaction, const JobRow& row, int attempts_taken_back) const;
  Result<int64_t> ExpireSome();
  Status ExpireOne(Transaction* transaction, const JobRow& row) const;
  void NotifyQueued();

  Database* const database_;
  BlobStore* const blobs_;
  const JobLimits limits_;
  const UtcClock clock_;
  JobWaiters waiters_;  // by job id
  JobWaiters workers_;  // apart, so that clients cannot take the workers' places
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_JOB_STORE_H_
