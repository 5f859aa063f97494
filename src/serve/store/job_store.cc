#include "serve/store/job_store.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "serve/store/database.h"
#include "serve/store/job_row.h"
#include "serve/store/json_text.h"
#include "serve/store/random_id.h"

namespace mao {
namespace {

constexpr size_t kMaxNameBytes = 255;  // kind, owner, idempotency key, name and type of an input
constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxMessageBytes = 1000;
constexpr int64_t kMaxWaitMs = int64_t{3600} * 1000;
constexpr int64_t kExpiredAtOnce = 100;  // jobs in one transaction, so that others wait briefly

constexpr size_t kMaxWorkers = 1024;

// What all workers wait for.
const std::string& QueueTopic() {
  static const std::string topic = "queue";
  return topic;
}

Status CheckSize(std::string_view what, size_t size, size_t max_size) {
  if (size <= max_size) return OkStatus();
  return OutOfRangeError(
      fmt::format("job: {} of {} bytes; the limit is {} bytes", what, size, max_size));
}

Status NoSuchJob(std::string_view id) {
  return NotFoundError(fmt::format("job {}: there is none of this id", CutUtf8(id, kMaxNameBytes)));
}

Status ClaimIsOver(const JobClaim& claim) {
  return InvalidArgumentError(
      fmt::format("job {}: this run of it is over (claim {})", claim.id, claim.number));
}

// The owner's job. NotFound.
Result<JobRow> FindOwned(Transaction* transaction, std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(
      auto row,
      FindJobRow(transaction, "SELECT" MAO_JOB_COLUMNS "FROM jobs WHERE id = ?1 AND owner = ?2",
                 {id, owner}));
  if (!row) return NoSuchJob(id);
  return *std::move(row);
}

// The job that this claim still holds. InvalidArgument.
Result<JobRow> FindClaimed(Transaction* transaction, const JobClaim& claim) {
  MAO_ASSIGN_OR_RETURN(auto row,
                       FindJobRow(transaction,
                                  "SELECT" MAO_JOB_COLUMNS
                                  "FROM jobs WHERE id = ?1 AND claims = ?2 AND state = 'running'",
                                  {claim.id, claim.number}));
  if (!row) return ClaimIsOver(claim);
  return *std::move(row);
}

Result<std::vector<JobRow>> FindJobRows(Transaction* transaction, std::string_view sql,
                                        std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, transaction->Prepare(sql, values));
  std::vector<JobRow> rows;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return rows;
    rows.push_back(ReadJobRow(statement));
  }
}

Result<std::vector<JobInput>> FindInputs(Transaction* transaction, int64_t seq) {
  MAO_ASSIGN_OR_RETURN(
      Statement statement,
      transaction->Prepare("SELECT name, media_type, sha256, size_bytes FROM job_inputs"
                           " WHERE seq = ?1 ORDER BY ordinal",
                           {seq}));
  std::vector<JobInput> inputs;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return inputs;
    inputs.push_back({.name = statement.Text(0),
                      .media_type = statement.Text(1),
                      .sha256 = statement.Text(2),
                      .size_bytes = statement.Int(3)});
  }
}

// Takes a job's names off its contents and appends these.
Status RemoveInputs(Transaction* transaction, int64_t seq, std::vector<std::string>* unused) {
  MAO_ASSIGN_OR_RETURN(
      Statement statement,
      transaction->Prepare("DELETE FROM job_inputs WHERE seq = ?1 RETURNING sha256", {seq}));
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return OkStatus();
    unused->push_back(statement.Text(0));
  }
}

JobWaiters::Deadline DeadlineIn(int64_t timeout_ms) {
  return std::chrono::steady_clock::now() +
         std::chrono::milliseconds(std::clamp<int64_t>(timeout_ms, 0, kMaxWaitMs));
}

}  // namespace

JobStore::JobStore(Database* database, BlobStore* blobs, JobLimits limits, UtcClock clock)
    : database_(database),
      blobs_(blobs),
      limits_(limits),
      clock_(std::move(clock)),
      waiters_(limits.max_waiters),
      workers_(kMaxWorkers) {}

Status JobStore::CheckNewJob(const NewJob& job) const {
  if (job.kind.empty()) return InvalidArgumentError("job: its kind is empty");
  MAO_RETURN_IF_ERROR(CheckSize("a kind", job.kind.size(), kMaxNameBytes));
  MAO_RETURN_IF_ERROR(CheckSize("an owner", job.owner.size(), kMaxNameBytes));
  MAO_RETURN_IF_ERROR(CheckSize("an idempotency key", job.idempotency_key.size(), kMaxNameBytes));
  MAO_RETURN_IF_ERROR(CheckSize("a callback URL", job.callback_url.size(), kMaxUrlBytes));
  MAO_RETURN_IF_ERROR(CheckSize("a request", job.request.size(), limits_.max_request_bytes));
  if (job.inputs.size() > limits_.max_inputs) {
    return OutOfRangeError(
        fmt::format("job: {} inputs; the limit is {}", job.inputs.size(), limits_.max_inputs));
  }
  for (const NewJobInput& input : job.inputs) {
    MAO_RETURN_IF_ERROR(CheckSize("an input's name", input.name.size(), kMaxNameBytes));
    MAO_RETURN_IF_ERROR(CheckSize("an input's type", input.media_type.size(), kMaxNameBytes));
  }
  return CheckJson(job.request, "job: its request");
}

Status JobStore::CheckRoom(Transaction* transaction, std::string_view owner,
                           int64_t num_new) const {
  const auto check = [num_new](int64_t num_there, int64_t limit, std::string_view what) {
    if (num_new <= limit - num_there) return OkStatus();
    return ResourceExhaustedError(fmt::format("jobs: {} {} and {} new ones; the limit is {}",
                                              num_there, what, num_new, limit));
  };
  MAO_ASSIGN_OR_RETURN(
      const int64_t num_owned,
      transaction->QueryInt("SELECT num_jobs FROM job_counts WHERE owner = ?1 AND state = 'queued'",
                            {owner}));
  MAO_RETURN_IF_ERROR(check(num_owned, limits_.max_queued_per_owner, "queued for this owner"));
  MAO_ASSIGN_OR_RETURN(
      const int64_t num_queued,
      transaction->QueryInt("SELECT sum(num_jobs) FROM job_counts WHERE state = 'queued'"));
  MAO_RETURN_IF_ERROR(check(num_queued, limits_.max_queued, "queued"));
  MAO_ASSIGN_OR_RETURN(const int64_t num_jobs,
                       transaction->QueryInt("SELECT sum(num_jobs) FROM job_counts"));
  return check(num_jobs, limits_.max_jobs, "kept");
}

Result<EnqueuedJob> JobStore::Enqueue(const NewJob& job) {
  MAO_RETURN_IF_ERROR(CheckNewJob(job));
  MAO_ASSIGN_OR_RETURN(const std::string id, RandomId("job_"));
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  if (!job.idempotency_key.empty()) {
    MAO_ASSIGN_OR_RETURN(
        auto earlier,
        FindJobRow(&transaction,
                   "SELECT" MAO_JOB_COLUMNS "FROM jobs WHERE owner = ?1 AND idempotency_key = ?2",
                   {job.owner, job.idempotency_key}));
    if (earlier) return EnqueuedJob{.job = std::move(earlier->job), .created = false};
  }
  MAO_RETURN_IF_ERROR(CheckRoom(&transaction, job.owner, 1));
  MAO_RETURN_IF_ERROR(Insert(&transaction, job, id));
  MAO_ASSIGN_OR_RETURN(JobRow row, FindOwned(&transaction, job.owner, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  NotifyQueued();
  return EnqueuedJob{.job = std::move(row.job), .created = true};
}

Status JobStore::Insert(Transaction* transaction, const NewJob& job, std::string_view id) const {
  MAO_RETURN_IF_ERROR(transaction->Run(
      "INSERT INTO jobs (id, kind, owner, priority, state, created_ms, idempotency_key,"
      " callback_url) VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7)",
      {id, job.kind, job.owner, job.priority, clock_(), TextOrNull(job.idempotency_key),
       TextOrNull(job.callback_url)}));
  const int64_t seq = transaction->last_insert_row();
  MAO_RETURN_IF_ERROR(transaction->Run("INSERT INTO job_requests (seq, request) VALUES (?1, ?2)",
                                       {seq, job.request}));
  int64_t ordinal = 0;
  for (const NewJobInput& input : job.inputs) {
    MAO_RETURN_IF_ERROR(transaction->Run(
        "INSERT INTO job_inputs (seq, ordinal, name, media_type, sha256, size_bytes)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        {seq, ordinal++, input.name, input.media_type, input.blob.sha256(),
         input.blob.size_bytes()}));
  }
  return OkStatus();
}

Result<StoredJob> JobStore::Get(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(JobRow row, FindOwned(&transaction, owner, id));
  return std::move(row.job);
}

Result<std::string> JobStore::ResultOf(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(const JobRow row, FindOwned(&transaction, owner, id));
  MAO_ASSIGN_OR_RETURN(
      Statement statement,
      transaction.Prepare("SELECT result FROM job_results WHERE seq = ?1", {row.seq}));
  MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (has_row) return statement.Text(0);
  return NotFoundError(
      fmt::format("job {}: is {} and has no result", id, JobStateName(row.job.state)));
}

Result<JobPage> JobStore::List(const JobFilter& filter) {
  if (filter.limit < 1 || filter.limit > kMaxPage) {
    return InvalidArgumentError(
        fmt::format("jobs: a page of {}; allowed are 1 to {}", filter.limit, kMaxPage));
  }
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  int64_t before = INT64_MAX;
  if (!filter.after_id.empty()) {
    const auto last = FindOwned(&transaction, filter.owner, filter.after_id);
    if (!last.ok()) return InvalidArgumentError("jobs after " + last.status().message());
    before = last->seq;
  }
  MAO_ASSIGN_OR_RETURN(
      auto rows,
      FindJobRows(
          &transaction,
          "SELECT" MAO_JOB_COLUMNS "FROM jobs WHERE owner = ?1 AND batch_id IS NULL AND seq < ?2"
          " AND (?3 = '' OR state = ?3) ORDER BY seq DESC LIMIT ?4",
          {filter.owner, before, filter.state ? JobStateName(*filter.state) : std::string_view(""),
           static_cast<int64_t>(filter.limit) + 1}));
  JobPage page;
  page.has_more = rows.size() > filter.limit;
  if (page.has_more) rows.pop_back();
  for (JobRow& row : rows) page.jobs.push_back(std::move(row.job));
  return page;
}

Result<StoredJob> JobStore::WaitForChange(std::string_view owner, std::string_view id,
                                          int64_t version, int64_t timeout_ms) {
  const auto deadline = DeadlineIn(timeout_ms);
  MAO_ASSIGN_OR_RETURN(JobWaiters::Place place, waiters_.Take(std::string(id)));
  while (true) {
    MAO_ASSIGN_OR_RETURN(StoredJob job, Get(owner, id));
    if (job.version != version || !place.WaitUntil(deadline)) return job;
  }
}

Result<StoredJob> JobStore::Cancel(std::string_view owner, std::string_view id) {
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(JobRow row, FindOwned(&transaction, owner, id));
  if (HasEnded(row.job.state) || row.job.cancel_requested) return std::move(row.job);
  if (row.job.state == JobState::kQueued) {
    MAO_RETURN_IF_ERROR(End(&transaction, row, JobState::kCancelled, std::nullopt, &unused));
  } else {
    MAO_RETURN_IF_ERROR(transaction.Run(
        "UPDATE jobs SET cancel_requested = 1, version = version + 1 WHERE seq = ?1", {row.seq}));
  }
  MAO_ASSIGN_OR_RETURN(row, FindOwned(&transaction, owner, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  waiters_.Notify(row.job.id);
  return std::move(row.job);
}

Status JobStore::Delete(std::string_view owner, std::string_view id) {
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const JobRow row, FindOwned(&transaction, owner, id));
  if (row.job.state == JobState::kRunning) {
    return InvalidArgumentError(fmt::format("job {}: is running; cancel it first", id));
  }
  if (!row.job.batch_id.empty()) {
    return InvalidArgumentError(
        fmt::format("job {}: is a line of the batch {} and goes with it", id, row.job.batch_id));
  }
  MAO_RETURN_IF_ERROR(RemoveInputs(&transaction, row.seq, &unused));
  MAO_RETURN_IF_ERROR(transaction.Run("DELETE FROM jobs WHERE seq = ?1", {row.seq}));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  waiters_.Notify(row.job.id);
  return OkStatus();
}

Result<std::optional<ClaimedJob>> JobStore::ClaimNext(int64_t timeout_ms) {
  if (timeout_ms <= 0) return ClaimNow();
  const auto deadline = DeadlineIn(timeout_ms);
  MAO_ASSIGN_OR_RETURN(JobWaiters::Place place, workers_.Take(QueueTopic()));
  while (true) {
    MAO_ASSIGN_OR_RETURN(auto claimed, ClaimNow());
    if (claimed || !place.WaitUntil(deadline)) return claimed;
  }
}

// Not synced: after a power failure the job is queued again, as it would be after any crash.
Result<std::optional<ClaimedJob>> JobStore::ClaimNow() {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_ASSIGN_OR_RETURN(auto row,
                       FindJobRow(&transaction,
                                  "UPDATE jobs SET state = 'running', version = version + 1,"
                                  " attempts = attempts + 1, claims = claims + 1,"
                                  " started_ms = max(?1, created_ms)"
                                  " WHERE seq = (SELECT seq FROM jobs WHERE state = 'queued'"
                                  " ORDER BY priority, seq LIMIT 1) RETURNING" MAO_JOB_COLUMNS,
                                  {clock_()}));
  if (!row) return std::optional<ClaimedJob>();
  MAO_ASSIGN_OR_RETURN(auto inputs, FindInputs(&transaction, row->seq));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  waiters_.Notify(row->job.id);
  return std::optional<ClaimedJob>(ClaimedJob{.claim = {.id = row->job.id, .number = row->claims},
                                              .job = std::move(row->job),
                                              .inputs = std::move(inputs)});
}

Result<std::string> JobStore::RequestOf(const JobClaim& claim) {
  std::string sha256;
  int64_t input_bytes = 0;
  int64_t offset = 0;
  int64_t size_bytes = 0;
  {
    MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
    MAO_ASSIGN_OR_RETURN(
        Statement statement,
        transaction.Prepare("SELECT request, input_sha256, input_bytes, batch_offset, batch_bytes"
                            " FROM jobs JOIN job_requests USING (seq)"
                            " LEFT JOIN batches ON batches.id = jobs.batch_id"
                            " WHERE jobs.id = ?1 AND claims = ?2 AND state = 'running'",
                            {claim.id, claim.number}));
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return ClaimIsOver(claim);
    sha256 = statement.Text(1);
    if (sha256.empty()) return statement.Text(0);
    input_bytes = statement.Int(2);
    offset = statement.Int(3);
    size_bytes = statement.Int(4);
  }
  MAO_ASSIGN_OR_RETURN(const MappedFile file, blobs_->Map(sha256, input_bytes));
  // Start has checked the range against input_bytes.
  return std::string(AsStringView(file.bytes())
                         .substr(static_cast<size_t>(std::clamp<int64_t>(offset, 0, input_bytes)),
                                 static_cast<size_t>(size_bytes)));
}

// Not synced: progress that a power failure takes is made again by the next attempt.
Result<bool> JobStore::Progress(const JobClaim& claim, const JobProgress& progress) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_ASSIGN_OR_RETURN(
      const auto row,
      FindJobRow(&transaction,
                 "UPDATE jobs SET pages_done = ?1, pages_total = ?2, message = ?3,"
                 " version = version + 1 WHERE id = ?4 AND claims = ?5 AND state = 'running'"
                 " RETURNING" MAO_JOB_COLUMNS,
                 {progress.pages_done, progress.pages_total,
                  CutUtf8(progress.message, kMaxMessageBytes), claim.id, claim.number}));
  if (!row) return ClaimIsOver(claim);
  MAO_RETURN_IF_ERROR(transaction.Commit());
  waiters_.Notify(claim.id);
  return row->job.cancel_requested;
}

Status JobStore::Succeed(const JobClaim& claim, std::string_view result) {
  MAO_RETURN_IF_ERROR(CheckSize("a result", result.size(), limits_.max_result_bytes));
  MAO_RETURN_IF_ERROR(CheckJson(result, fmt::format("job {}: its result", claim.id)));
  return Finish(claim, JobState::kSucceeded, std::nullopt, result);
}

Status JobStore::Fail(const JobClaim& claim, const JobError& error) {
  return Finish(claim, JobState::kFailed, error, std::nullopt);
}

Status JobStore::FinishCancelled(const JobClaim& claim) {
  return Finish(claim, JobState::kCancelled, std::nullopt, std::nullopt);
}

Status JobStore::Finish(const JobClaim& claim, JobState state, const std::optional<JobError>& error,
                        std::optional<std::string_view> result) {
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const JobRow row, FindClaimed(&transaction, claim));
  MAO_RETURN_IF_ERROR(End(&transaction, row, state, error, &unused));
  if (result) {
    MAO_RETURN_IF_ERROR(transaction.Run("INSERT INTO job_results (seq, result) VALUES (?1, ?2)",
                                        {row.seq, *result}));
  }
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  waiters_.Notify(claim.id);
  return OkStatus();
}

// Lines of batches expire with their batch.
Status JobStore::End(Transaction* transaction, const JobRow& row, JobState state,
                     const std::optional<JobError>& error, std::vector<std::string>* unused) {
  const int64_t now_ms = std::max(clock_(), row.job.created_ms);
  const int64_t expires_ms = row.job.batch_id.empty() ? now_ms + limits_.result_ttl_ms : 0;
  SqlValue code;
  SqlValue message;
  if (error) {
    code = error->code.empty() ? "failed" : CutUtf8(error->code, kMaxNameBytes);
    message = CutUtf8(error->message, kMaxMessageBytes);
  }
  MAO_RETURN_IF_ERROR(transaction->Run(
      "UPDATE jobs SET state = ?1, version = version + 1, finished_ms = max(?2, started_ms),"
      " expires_ms = ?3, error_code = ?4, error_message = ?5,"
      " callback_state = CASE WHEN callback_url IS NULL THEN NULL ELSE 'pending' END,"
      " callback_next_ms = ?2 WHERE seq = ?6",
      {JobStateName(state), now_ms, expires_ms, code, message, row.seq}));
  return RemoveInputs(transaction, row.seq, unused);
}

Status JobStore::Requeue(Transaction* transaction, const JobRow& row,
                         int attempts_taken_back) const {
  return transaction->Run(
      "UPDATE jobs SET state = 'queued', version = version + 1, started_ms = 0, pages_done = 0,"
      " pages_total = 0, message = '', attempts = attempts - ?1 WHERE seq = ?2",
      {attempts_taken_back, row.seq});
}

Status JobStore::Release(const JobClaim& claim) {
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const JobRow row, FindClaimed(&transaction, claim));
  MAO_RETURN_IF_ERROR(row.job.cancel_requested
                          ? End(&transaction, row, JobState::kCancelled, std::nullopt, &unused)
                          : Requeue(&transaction, row, 1));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  waiters_.Notify(claim.id);
  NotifyQueued();
  return OkStatus();
}

Result<JobStore::Recovery> JobStore::RecoverAfterCrash() {
  Recovery recovery;
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(
      const auto rows,
      FindJobRows(&transaction,
                  "SELECT" MAO_JOB_COLUMNS "FROM jobs WHERE state = 'running' ORDER BY seq", {}));
  for (const JobRow& row : rows) {
    if (row.job.cancel_requested) {
      MAO_RETURN_IF_ERROR(End(&transaction, row, JobState::kCancelled, std::nullopt, &unused));
      ++recovery.num_cancelled;
    } else if (row.job.attempts >= limits_.max_attempts) {
      const JobError error = {
          .code = "interrupted",
          .message = fmt::format("the server ended while this job was running, {} times; the "
                                 "limit is {} attempts",
                                 row.job.attempts, limits_.max_attempts)};
      MAO_RETURN_IF_ERROR(End(&transaction, row, JobState::kFailed, error, &unused));
      ++recovery.num_failed;
    } else {
      MAO_RETURN_IF_ERROR(Requeue(&transaction, row, 0));
      ++recovery.num_queued;
    }
  }
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  NotifyQueued();
  return recovery;
}

Result<int64_t> JobStore::ExpireResults() {
  int64_t num_changed = 0;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const int64_t count, ExpireSome());
    num_changed += count;
    if (count < kExpiredAtOnce) return num_changed;
  }
}

Result<int64_t> JobStore::ExpireSome() {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_ASSIGN_OR_RETURN(
      const auto rows,
      FindJobRows(
          &transaction,
          "SELECT" MAO_JOB_COLUMNS
          "FROM jobs WHERE expires_ms > 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2",
          {clock_(), kExpiredAtOnce}));
  for (const JobRow& row : rows) MAO_RETURN_IF_ERROR(ExpireOne(&transaction, row));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  for (const JobRow& row : rows) waiters_.Notify(row.job.id);
  return static_cast<int64_t>(rows.size());
}

Status JobStore::ExpireOne(Transaction* transaction, const JobRow& row) const {
  if (row.job.state == JobState::kExpired || !row.job.batch_id.empty()) {
    return transaction->Run("DELETE FROM jobs WHERE seq = ?1", {row.seq});
  }
  MAO_RETURN_IF_ERROR(transaction->Run("DELETE FROM job_results WHERE seq = ?1", {row.seq}));
  MAO_RETURN_IF_ERROR(transaction->Run("DELETE FROM job_requests WHERE seq = ?1", {row.seq}));
  return transaction->Run(
      "UPDATE jobs SET state = 'expired', version = version + 1, expires_ms = ?1 WHERE seq = ?2",
      {clock_() + limits_.expired_ttl_ms, row.seq});
}

Result<std::vector<DueCallback>> JobStore::DueCallbacks(size_t limit) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(
      const auto rows,
      FindJobRows(&transaction,
                  "SELECT" MAO_JOB_COLUMNS
                  "FROM jobs WHERE callback_state = 'pending' AND callback_next_ms <= ?1"
                  " ORDER BY callback_next_ms LIMIT ?2",
                  {clock_(), static_cast<int64_t>(std::min(limit, kMaxPage))}));
  std::vector<DueCallback> due;
  due.reserve(rows.size());
  for (const JobRow& row : rows) {
    due.push_back({.job_id = row.job.id,
                   .url = row.job.callback_url,
                   .attempts = row.job.callback_attempts,
                   .state = row.job.state,
                   .finished_ms = row.job.finished_ms});
  }
  return due;
}

Status JobStore::RecordCallback(std::string_view job_id, bool delivered) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(
      const auto row,
      FindJobRow(&transaction,
                 "SELECT" MAO_JOB_COLUMNS "FROM jobs WHERE id = ?1 AND callback_state = 'pending'",
                 {job_id}));
  if (!row) {
    return NotFoundError(fmt::format("job {}: no callback of it is pending", job_id));
  }
  const int32_t attempts = row->job.callback_attempts + 1;
  CallbackState state = CallbackState::kPending;
  if (delivered) state = CallbackState::kDelivered;
  if (!delivered && attempts >= limits_.max_callback_attempts) state = CallbackState::kFailed;
  const int64_t delay_ms = std::min(limits_.max_callback_delay_ms,
                                    limits_.first_callback_delay_ms << std::min(attempts - 1, 20));
  MAO_RETURN_IF_ERROR(transaction.Run(
      "UPDATE jobs SET callback_state = ?1, callback_attempts = ?2, callback_next_ms = ?3,"
      " version = version + 1 WHERE seq = ?4",
      {CallbackStateName(state), attempts, clock_() + delay_ms, row->seq}));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  waiters_.Notify(row->job.id);
  return OkStatus();
}

Result<JobStatistics> JobStore::Statistics() {
  JobStatistics statistics;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  for (size_t i = 0; i < statistics.num_jobs.size(); ++i) {
    MAO_ASSIGN_OR_RETURN(
        statistics.num_jobs[i],
        transaction.QueryInt("SELECT sum(num_jobs) FROM job_counts WHERE state = ?1",
                             {JobStateName(static_cast<JobState>(i))}));
  }
  MAO_ASSIGN_OR_RETURN(
      const int64_t oldest_ms,
      transaction.QueryInt(
          "SELECT created_ms FROM jobs WHERE state = 'queued' ORDER BY seq LIMIT 1"));
  if (oldest_ms > 0) {
    statistics.oldest_queued_age_ms = std::max<int64_t>(0, clock_() - oldest_ms);
  }
  return statistics;
}

void JobStore::NotifyQueued() { workers_.Notify(QueueTopic()); }

void JobStore::StopWaiting() {
  waiters_.Stop();
  workers_.Stop();
}

}  // namespace mao
