#include "serve/store/batch_store.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/store/batch_row.h"
#include "serve/store/database.h"
#include "serve/store/job_row.h"
#include "serve/store/json_text.h"
#include "serve/store/random_id.h"

namespace mao {
namespace {

constexpr size_t kMaxFieldBytes = 255;   // endpoint, window, custom_id
constexpr size_t kMaxJsonBytes = 16384;  // metadata; errors are cut by the caller
constexpr size_t kMaxErrorsBytes = size_t{1} << 20;

Status CheckNewBatch(const NewBatch& batch) {
  for (const auto& [what, text] :
       {std::pair<std::string_view, const std::string&>{"endpoint", batch.endpoint},
        {"completion_window", batch.completion_window}}) {
    if (text.empty() || text.size() > kMaxFieldBytes) {
      return InvalidArgumentError(fmt::format("batch: {} of {} bytes; allowed are 1 to {}", what,
                                              text.size(), kMaxFieldBytes));
    }
  }
  if (batch.window_ms <= 0) return InvalidArgumentError("batch: its completion window is empty");
  if (batch.metadata.size() > kMaxJsonBytes) {
    return OutOfRangeError(fmt::format("batch: metadata of {} bytes; the limit is {} bytes",
                                       batch.metadata.size(), kMaxJsonBytes));
  }
  return batch.metadata.empty() ? OkStatus() : CheckJson(batch.metadata, "batch: its metadata");
}

Status CheckIsValidating(const StoredBatch& batch) {
  if (batch.status == BatchStatus::kValidating) return OkStatus();
  return InvalidArgumentError(
      fmt::format("batch {}: is {}, not validating", batch.id, BatchStatusName(batch.status)));
}

// The first ended line after number `after` of a batch, and its number.
Result<std::optional<std::pair<int64_t, EndedLine>>> NextLine(Database* database,
                                                              std::string_view batch_id,
                                                              int64_t after) {
  std::optional<std::pair<int64_t, EndedLine>> found;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database->Read());
  MAO_ASSIGN_OR_RETURN(
      Statement statement,
      transaction.Prepare("SELECT batch_line, id, custom_id, error_code, error_message, state,"
                          " result FROM jobs LEFT JOIN job_results USING (seq)"
                          " WHERE batch_id = ?1 AND batch_line > ?2 ORDER BY batch_line LIMIT 1",
                          {batch_id, after}));
  MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (!has_row) return found;
  EndedLine line{.job_id = statement.Text(1),
                 .custom_id = statement.Text(2),
                 .result = std::nullopt,
                 .error = {.code = statement.Text(3), .message = statement.Text(4)}};
  if (statement.Text(5) == JobStateName(JobState::kSucceeded)) {
    line.result = statement.Text(6);
  } else if (line.error.code.empty()) {
    line.error = {.code = "batch_cancelled", .message = "This line was cancelled."};
  }
  found.emplace(statement.Int(0), std::move(line));
  return found;
}

}  // namespace

BatchStore::BatchStore(Database* database, BlobStore* blobs, JobStore* jobs, FileStore* files,
                       BatchLimits limits, UtcClock clock)
    : database_(database),
      blobs_(blobs),
      jobs_(jobs),
      files_(files),
      limits_(limits),
      clock_(std::move(clock)) {}

Result<StoredBatch> BatchStore::Create(const NewBatch& batch) {
  MAO_RETURN_IF_ERROR(CheckNewBatch(batch));
  MAO_ASSIGN_OR_RETURN(const std::string id, RandomId("batch_"));
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const StoredFile input,
                       FindFile(&transaction, batch.owner, batch.input_file_id));
  if (input.purpose != "batch") {
    return InvalidArgumentError(fmt::format("file {}: its purpose is {}, not batch", input.id,
                                            DumpJson(nlohmann::json(input.purpose))));
  }
  MAO_ASSIGN_OR_RETURN(const int64_t num_batches,
                       transaction.QueryInt("SELECT count(*) FROM batches"));
  if (num_batches >= limits_.max_batches) {
    return ResourceExhaustedError(
        fmt::format("batches: {} are kept; the limit is {}", num_batches, limits_.max_batches));
  }
  const int64_t now_ms = clock_();
  MAO_RETURN_IF_ERROR(transaction.Run(
      "INSERT INTO batches (id, owner, endpoint, completion_window, status, input_file_id,"
      " input_sha256, input_bytes, metadata, created_ms, expires_ms)"
      " VALUES (?1, ?2, ?3, ?4, 'validating', ?5, ?6, ?7, ?8, ?9, ?10)",
      {id, batch.owner, batch.endpoint, batch.completion_window, input.id, input.sha256,
       input.size_bytes, TextOrNull(batch.metadata), now_ms, now_ms + batch.window_ms}));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  return std::move(row.batch);
}

Status BatchStore::CheckLines(const StoredBatch& batch, int64_t input_bytes,
                              std::span<const BatchLine> lines) const {
  if (lines.empty()) return InvalidArgumentError(fmt::format("batch {}: no lines", batch.id));
  if (lines.size() > limits_.max_lines) {
    return OutOfRangeError(fmt::format("batch {}: {} lines; the limit is {}", batch.id,
                                       lines.size(), limits_.max_lines));
  }
  std::unordered_set<std::string_view> custom_ids;
  for (size_t i = 0; i < lines.size(); ++i) {
    const BatchLine& line = lines[i];
    if (line.custom_id.empty() || line.custom_id.size() > kMaxFieldBytes) {
      return InvalidArgumentError(
          fmt::format("batch {}: line {}: a custom_id of {} bytes; allowed are 1 to {}", batch.id,
                      i + 1, line.custom_id.size(), kMaxFieldBytes));
    }
    if (!custom_ids.insert(line.custom_id).second) {
      return InvalidArgumentError(fmt::format("batch {}: line {}: the custom_id {} a second time",
                                              batch.id, i + 1,
                                              DumpJson(nlohmann::json(line.custom_id))));
    }
    if (line.offset < 0 || line.size_bytes <= 0 || line.size_bytes > input_bytes ||
        line.offset > input_bytes - line.size_bytes) {
      return InvalidArgumentError(fmt::format("batch {}: line {}: outside of the file of {} bytes",
                                              batch.id, i + 1, input_bytes));
    }
  }
  return OkStatus();
}

Status BatchStore::InsertLines(Transaction* transaction, const StoredBatch& batch,
                               std::string_view kind, int32_t priority,
                               std::span<const BatchLine> lines) const {
  const int64_t now_ms = clock_();
  int64_t number = 0;
  for (const BatchLine& line : lines) {
    MAO_ASSIGN_OR_RETURN(const std::string job_id, RandomId("job_"));
    MAO_RETURN_IF_ERROR(transaction->Run(
        "INSERT INTO jobs (id, kind, owner, priority, state, created_ms, batch_id, batch_line,"
        " custom_id) VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7, ?8)",
        {job_id, kind, batch.owner, priority, now_ms, batch.id, ++number, line.custom_id}));
    MAO_RETURN_IF_ERROR(transaction->Run(
        "INSERT INTO job_requests (seq, batch_offset, batch_bytes) VALUES (?1, ?2, ?3)",
        {transaction->last_insert_row(), line.offset, line.size_bytes}));
  }
  return OkStatus();
}

Result<StoredBatch> BatchStore::Start(std::string_view id, std::string_view kind, int32_t priority,
                                      std::span<const BatchLine> lines) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(CheckIsValidating(row.batch));
  MAO_RETURN_IF_ERROR(CheckLines(row.batch, row.input_bytes, lines));
  const auto num_lines = static_cast<int64_t>(lines.size());
  MAO_RETURN_IF_ERROR(jobs_->CheckRoom(&transaction, row.batch.owner, num_lines));
  MAO_RETURN_IF_ERROR(InsertLines(&transaction, row.batch, kind, priority, lines));
  MAO_RETURN_IF_ERROR(transaction.Run(
      "UPDATE batches SET status = 'in_progress', in_progress_ms = max(?1, created_ms),"
      " total = ?2 WHERE id = ?3",
      {clock_(), num_lines, id}));
  MAO_ASSIGN_OR_RETURN(row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  jobs_->NotifyQueued();
  return std::move(row.batch);
}

Result<StoredBatch> BatchStore::FailValidation(std::string_view id, std::string_view errors) {
  if (errors.size() > kMaxErrorsBytes) {
    return OutOfRangeError(fmt::format("batch {}: errors of {} bytes; the limit is {} bytes", id,
                                       errors.size(), kMaxErrorsBytes));
  }
  MAO_RETURN_IF_ERROR(CheckJson(errors, fmt::format("batch {}: its errors", id)));
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(CheckIsValidating(row.batch));
  const std::string input_sha256 = row.input_sha256;
  MAO_RETURN_IF_ERROR(transaction.Run(
      "UPDATE batches SET status = 'failed', failed_ms = max(?1, created_ms), errors = ?2,"
      " input_sha256 = NULL WHERE id = ?3",
      {clock_(), errors, id}));
  MAO_ASSIGN_OR_RETURN(row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(std::span(&input_sha256, 1));
  return std::move(row.batch);
}

Result<StoredBatch> BatchStore::Get(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, owner, id));
  return std::move(row.batch);
}

Result<BatchPage> BatchStore::List(std::string_view owner, std::string_view after_id,
                                   size_t limit) {
  if (limit < 1 || limit > kMaxPage) {
    return InvalidArgumentError(
        fmt::format("batches: a page of {}; allowed are 1 to {}", limit, kMaxPage));
  }
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  int64_t before = INT64_MAX;
  if (!after_id.empty()) {
    const auto last = FindBatch(&transaction, owner, after_id);
    if (!last.ok()) return InvalidArgumentError("batches after " + last.status().message());
    before = last->seq;
  }
  MAO_ASSIGN_OR_RETURN(
      auto rows,
      FindBatchRows(&transaction,
                    "SELECT" MAO_BATCH_COLUMNS
                    "FROM batches WHERE owner = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
                    {owner, before, static_cast<int64_t>(limit) + 1}));
  BatchPage page;
  page.has_more = rows.size() > limit;
  if (page.has_more) rows.pop_back();
  for (BatchRow& row : rows) page.batches.push_back(std::move(row.batch));
  return page;
}

Result<std::vector<StoredBatch>> BatchStore::ListByStatus(BatchStatus status, size_t limit) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(
      auto rows,
      FindBatchRows(&transaction,
                    "SELECT" MAO_BATCH_COLUMNS
                    "FROM batches WHERE status = ?1 ORDER BY seq LIMIT ?2",
                    {BatchStatusName(status), static_cast<int64_t>(std::min(limit, kMaxPage))}));
  std::vector<StoredBatch> batches;
  batches.reserve(rows.size());
  for (BatchRow& row : rows) batches.push_back(std::move(row.batch));
  return batches;
}

Status BatchStore::StopLines(Transaction* transaction, std::string_view id, const JobError* error,
                             std::vector<std::string>* changed) const {
  {
    MAO_ASSIGN_OR_RETURN(
        Statement statement,
        transaction->Prepare("SELECT id FROM jobs WHERE batch_id = ?1 AND state = 'running'",
                             {id}));
    while (true) {
      MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
      if (!has_row) break;
      changed->push_back(statement.Text(0));
    }
  }
  MAO_RETURN_IF_ERROR(
      transaction->Run("UPDATE jobs SET cancel_requested = 1, version = version + 1"
                       " WHERE batch_id = ?1 AND state = 'running'",
                       {id}));
  return transaction->Run(
      "UPDATE jobs SET state = 'cancelled', version = version + 1,"
      " finished_ms = max(?1, created_ms), error_code = ?2, error_message = ?3"
      " WHERE batch_id = ?4 AND state = 'queued'",
      {clock_(), error == nullptr ? SqlValue() : SqlValue(error->code),
       error == nullptr ? SqlValue() : SqlValue(error->message), id});
}

Result<StoredBatch> BatchStore::Cancel(std::string_view owner, std::string_view id) {
  std::vector<std::string> changed;
  std::vector<std::string> unused;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, owner, id));
  if (row.batch.status == BatchStatus::kValidating) {
    unused.push_back(row.input_sha256);
    MAO_RETURN_IF_ERROR(transaction.Run(
        "UPDATE batches SET status = 'cancelled', cancelling_ms = max(?1, created_ms),"
        " cancelled_ms = max(?1, created_ms), input_sha256 = NULL WHERE id = ?2",
        {clock_(), id}));
  } else if (row.batch.status == BatchStatus::kInProgress) {
    MAO_RETURN_IF_ERROR(StopLines(&transaction, id, nullptr, &changed));
    MAO_RETURN_IF_ERROR(transaction.Run(
        "UPDATE batches SET status = 'cancelling', cancelling_ms = max(?1, in_progress_ms)"
        " WHERE id = ?2",
        {clock_(), id}));
  } else {
    return std::move(row.batch);
  }
  MAO_ASSIGN_OR_RETURN(row, FindBatch(&transaction, id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(unused);
  for (const std::string& job_id : changed) jobs_->waiters_.Notify(job_id);
  return std::move(row.batch);
}

Result<int64_t> BatchStore::ExpireWindows() {
  std::vector<BatchRow> rows;
  {
    MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
    MAO_ASSIGN_OR_RETURN(
        rows, FindBatchRows(&transaction,
                            "SELECT" MAO_BATCH_COLUMNS
                            "FROM batches WHERE status = 'in_progress' AND expires_ms <= ?1"
                            " AND ended < total",
                            {clock_()}));
  }
  for (const BatchRow& row : rows) MAO_RETURN_IF_ERROR(ExpireWindow(row.batch.id));
  return static_cast<int64_t>(rows.size());
}

Status BatchStore::ExpireWindow(std::string_view id) {
  const JobError error = {.code = "batch_expired",
                          .message = "This line did not run before the completion window ended."};
  std::vector<std::string> changed;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  // A second look: it may have been cancelled in between.
  MAO_ASSIGN_OR_RETURN(const BatchRow row, FindBatch(&transaction, id));
  if (row.batch.status != BatchStatus::kInProgress) return OkStatus();
  MAO_RETURN_IF_ERROR(StopLines(&transaction, id, &error, &changed));
  MAO_RETURN_IF_ERROR(transaction.Run(
      "UPDATE batches SET status = 'finalizing', finalizing_ms = max(?1, in_progress_ms),"
      " expired_ms = max(?1, in_progress_ms) WHERE id = ?2",
      {clock_(), id}));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  for (const std::string& job_id : changed) jobs_->waiters_.Notify(job_id);
  return OkStatus();
}

Result<std::vector<std::string>> BatchStore::ReadyToFinalize(size_t limit) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(
      const auto rows,
      FindBatchRows(&transaction,
                    "SELECT" MAO_BATCH_COLUMNS
                    "FROM batches WHERE status IN ('in_progress', 'finalizing', 'cancelling')"
                    " AND ended = total ORDER BY seq LIMIT ?1",
                    {static_cast<int64_t>(std::min(limit, kMaxPage))}));
  std::vector<std::string> ids;
  ids.reserve(rows.size());
  for (const BatchRow& row : rows) ids.push_back(row.batch.id);
  return ids;
}

Result<StoredBatch> BatchStore::Finalize(std::string_view id) {
  MAO_ASSIGN_OR_RETURN(const StoredBatch batch, BeginFinalizing(id));
  if (HasEnded(batch.status)) return batch;
  Outputs outputs;
  MAO_RETURN_IF_ERROR(WriteOutputs(batch, &outputs));
  std::optional<StoredBlob> output;
  std::optional<StoredBlob> errors;
  if (outputs.output) {
    MAO_ASSIGN_OR_RETURN(StoredBlob blob, outputs.output->Finish());
    output.emplace(std::move(blob));
  }
  if (outputs.errors) {
    MAO_ASSIGN_OR_RETURN(StoredBlob blob, outputs.errors->Finish());
    errors.emplace(std::move(blob));
  }
  return EndWith(batch, output, errors);
}

Result<StoredBatch> BatchStore::BeginFinalizing(std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, id));
  if (HasEnded(row.batch.status)) return std::move(row.batch);
  if (row.batch.status == BatchStatus::kValidating || row.num_ended < row.batch.num_total) {
    return InvalidArgumentError(fmt::format("batch {}: is {} with {} of {} lines ended", id,
                                            BatchStatusName(row.batch.status), row.num_ended,
                                            row.batch.num_total));
  }
  if (row.batch.status == BatchStatus::kInProgress) {
    MAO_RETURN_IF_ERROR(transaction.Run(
        "UPDATE batches SET status = 'finalizing', finalizing_ms = max(?1, in_progress_ms)"
        " WHERE id = ?2",
        {clock_(), id}));
    MAO_RETURN_IF_ERROR(transaction.Commit());
  }
  return std::move(row.batch);
}

// One line at a time: neither memory nor the database is held for the whole batch.
Status BatchStore::WriteOutputs(const StoredBatch& batch, Outputs* outputs) const {
  int64_t number = 0;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const auto line, NextLine(database_, batch.id, number));
    if (!line) return OkStatus();
    number = line->first;
    const bool succeeded = line->second.result.has_value();
    MAO_RETURN_IF_ERROR(AppendTo(succeeded ? &outputs->output : &outputs->errors, batch,
                                 succeeded ? "output" : "errors", OutputLine(line->second)));
  }
}

Status BatchStore::AppendTo(std::optional<BlobWriter>* writer, const StoredBatch& batch,
                            std::string_view what, const std::string& line) const {
  if (!writer->has_value()) {
    MAO_ASSIGN_OR_RETURN(
        BlobWriter begun,
        blobs_->Begin(fmt::format("batch {}: {}", batch.id, what), limits_.max_output_bytes));
    writer->emplace(std::move(begun));
  }
  return (*writer)->Append(AsBytes(line));
}

Result<StoredBatch> BatchStore::EndWith(const StoredBatch& batch,
                                        const std::optional<StoredBlob>& output,
                                        const std::optional<StoredBlob>& errors) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(BatchRow row, FindBatch(&transaction, batch.id));
  if (HasEnded(row.batch.status)) return std::move(row.batch);  // by another thread
  const std::string input_sha256 = row.input_sha256;
  MAO_ASSIGN_OR_RETURN(const std::string output_id,
                       StoreOutput(&transaction, batch, "output", output));
  MAO_ASSIGN_OR_RETURN(const std::string error_id,
                       StoreOutput(&transaction, batch, "errors", errors));
  const int64_t now_ms = std::max(clock_(), row.batch.in_progress_ms);
  // Cancelled or expired if anything was cut off by it; else it ran to its end.
  MAO_RETURN_IF_ERROR(transaction.Run(
      "UPDATE batches SET status = CASE WHEN cancelling_ms > 0 THEN 'cancelled'"
      " WHEN expired_ms > 0 THEN 'expired' ELSE 'completed' END,"
      " cancelled_ms = CASE WHEN cancelling_ms > 0 THEN ?1 ELSE 0 END,"
      " completed_ms = CASE WHEN cancelling_ms = 0 AND expired_ms = 0 THEN ?1 ELSE 0 END,"
      " output_file_id = ?2, error_file_id = ?3, input_sha256 = NULL WHERE id = ?4",
      {now_ms, TextOrNull(output_id), TextOrNull(error_id), batch.id}));
  // Their results are in the files now.
  MAO_RETURN_IF_ERROR(transaction.Run("UPDATE jobs SET expires_ms = ?1 WHERE batch_id = ?2",
                                      {std::max<int64_t>(1, clock_()), batch.id}));
  MAO_ASSIGN_OR_RETURN(row, FindBatch(&transaction, batch.id));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(std::span(&input_sha256, 1));
  return std::move(row.batch);
}

// The new file's id; empty without a content. Quotas do not hold here: work that was accepted must
// be able to end. The limit of all contents does.
Result<std::string> BatchStore::StoreOutput(Transaction* transaction, const StoredBatch& batch,
                                            std::string_view what,
                                            const std::optional<StoredBlob>& blob) const {
  if (!blob) return std::string();
  const NewFile file = {.owner = batch.owner,
                        .filename = fmt::format("{}_{}.jsonl", batch.id, what),
                        .purpose = "batch_output",
                        .expires_in_ms = limits_.output_ttl_ms};
  MAO_ASSIGN_OR_RETURN(StoredFile stored, files_->Insert(transaction, file, *blob));
  return std::move(stored.id);
}

Result<int64_t> BatchStore::DeleteOld() {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_RETURN_IF_ERROR(transaction.Run(
      "DELETE FROM batches WHERE status IN ('failed', 'completed', 'expired', 'cancelled')"
      " AND max(failed_ms, completed_ms, expired_ms, cancelled_ms) <= ?1"
      " AND NOT EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id)",
      {clock_() - limits_.batch_ttl_ms}));
  const int64_t num_deleted = transaction.num_changes();
  MAO_RETURN_IF_ERROR(transaction.Commit());
  return num_deleted;
}

}  // namespace mao
