#include "serve/store/batch_row.h"

#include <array>
#include <cstddef>

#include <fmt/core.h>

#include "serve/store/json_text.h"

namespace mao {
namespace {

constexpr size_t kMaxIdBytes = 255;  // of one that is shown in a message
constexpr std::array<std::string_view, 8> kStatusNames = {"validating", "failed",    "in_progress",
                                                          "finalizing", "completed", "expired",
                                                          "cancelling", "cancelled"};

BatchStatus StatusByName(std::string_view name) {
  size_t i = 0;
  while (i + 1 < kStatusNames.size() && kStatusNames[i] != name) ++i;
  return static_cast<BatchStatus>(i);
}

BatchRow ReadBatchRow(const Statement& statement) {
  BatchRow row;
  StoredBatch& batch = row.batch;
  int column = 0;
  const auto next_int = [&] { return statement.Int(column++); };
  const auto next_text = [&] { return statement.Text(column++); };
  row.seq = next_int();
  row.num_ended = next_int();
  row.input_sha256 = next_text();
  row.input_bytes = next_int();
  batch.id = next_text();
  batch.owner = next_text();
  batch.endpoint = next_text();
  batch.completion_window = next_text();
  batch.status = StatusByName(next_text());
  batch.input_file_id = next_text();
  batch.output_file_id = next_text();
  batch.error_file_id = next_text();
  batch.errors = next_text();
  batch.metadata = next_text();
  batch.num_total = next_int();
  batch.num_completed = next_int();
  batch.num_failed = next_int();
  batch.created_ms = next_int();
  batch.expires_ms = next_int();
  batch.in_progress_ms = next_int();
  batch.finalizing_ms = next_int();
  batch.completed_ms = next_int();
  batch.failed_ms = next_int();
  batch.expired_ms = next_int();
  batch.cancelling_ms = next_int();
  batch.cancelled_ms = next_int();
  return row;
}

Result<BatchRow> TheOne(Result<std::vector<BatchRow>> rows, std::string_view id) {
  if (!rows.ok()) return rows.status();
  if (rows->empty()) {
    return NotFoundError(
        fmt::format("batch {}: there is none of this id", CutUtf8(id, kMaxIdBytes)));
  }
  return std::move(rows->front());
}

}  // namespace

std::string_view BatchStatusName(BatchStatus status) {
  return kStatusNames[static_cast<size_t>(status)];
}

Result<std::vector<BatchRow>> FindBatchRows(Transaction* transaction, std::string_view sql,
                                            std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, transaction->Prepare(sql, values));
  std::vector<BatchRow> rows;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return rows;
    rows.push_back(ReadBatchRow(statement));
  }
}

Result<BatchRow> FindBatch(Transaction* transaction, std::string_view id) {
  return TheOne(
      FindBatchRows(transaction, "SELECT" MAO_BATCH_COLUMNS "FROM batches WHERE id = ?1", {id}),
      id);
}

Result<BatchRow> FindBatch(Transaction* transaction, std::string_view owner, std::string_view id) {
  return TheOne(
      FindBatchRows(transaction,
                    "SELECT" MAO_BATCH_COLUMNS "FROM batches WHERE id = ?1 AND owner = ?2",
                    {id, owner}),
      id);
}

}  // namespace mao
