#include "serve/store/job_row.h"

#include <array>
#include <cstddef>

namespace mao {
namespace {

constexpr std::array<std::string_view, 6> kJobStates = {"queued", "running",   "succeeded",
                                                        "failed", "cancelled", "expired"};
constexpr std::array<std::string_view, 4> kCallbackStates = {"none", "pending", "delivered",
                                                             "failed"};

// The value whose name is `text`; the last one for a name that is none, which no code writes.
template <typename Enum, size_t kSize>
Enum ByName(const std::array<std::string_view, kSize>& names, std::string_view text) {
  size_t i = 0;
  while (i + 1 < kSize && names[i] != text) ++i;
  return static_cast<Enum>(i);
}

}  // namespace

std::string_view JobStateName(JobState state) { return kJobStates[static_cast<size_t>(state)]; }

std::string_view CallbackStateName(CallbackState state) {
  return kCallbackStates[static_cast<size_t>(state)];
}

JobRow ReadJobRow(const Statement& statement) {
  JobRow row;
  StoredJob& job = row.job;
  int column = 0;
  const auto next_int = [&] { return statement.Int(column++); };
  const auto next_text = [&] { return statement.Text(column++); };
  row.seq = next_int();
  row.claims = next_int();
  job.id = next_text();
  job.kind = next_text();
  job.owner = next_text();
  job.priority = static_cast<int32_t>(next_int());
  job.state = ByName<JobState>(kJobStates, next_text());
  job.version = next_int();
  job.progress.pages_done = next_int();
  job.progress.pages_total = next_int();
  job.progress.message = next_text();
  job.created_ms = next_int();
  job.started_ms = next_int();
  job.finished_ms = next_int();
  job.expires_ms = next_int();
  job.attempts = static_cast<int32_t>(next_int());
  JobError error;
  error.code = next_text();
  error.message = next_text();
  if (!error.code.empty()) job.error = std::move(error);
  job.cancel_requested = next_int() != 0;
  job.idempotency_key = next_text();
  job.callback_url = next_text();
  const std::string callback_state = next_text();
  if (!callback_state.empty()) {
    job.callback_state = ByName<CallbackState>(kCallbackStates, callback_state);
  }
  job.callback_attempts = static_cast<int32_t>(next_int());
  job.batch_id = next_text();
  job.custom_id = next_text();
  return row;
}

Result<std::optional<JobRow>> FindJobRow(Transaction* transaction, std::string_view sql,
                                         std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, transaction->Prepare(sql, values));
  std::optional<JobRow> row;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return row;
    row = ReadJobRow(statement);
  }
}

}  // namespace mao
