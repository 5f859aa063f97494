// A row of the table of jobs, for the .cc files of this folder.
#ifndef MAOOCR_SERVE_STORE_JOB_ROW_H_
#define MAOOCR_SERVE_STORE_JOB_ROW_H_

#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "serve/store/database.h"
#include "serve/store/stored_job.h"

// What FindJobRow expects after SELECT or RETURNING. A macro, so that statements stay literals.
#define MAO_JOB_COLUMNS                                                                            \
  " seq, claims, id, kind, owner, priority, state, version, pages_done, pages_total, message,"     \
  " created_ms, started_ms, finished_ms, expires_ms, attempts, error_code, error_message,"         \
  " cancel_requested, idempotency_key, callback_url, callback_state, callback_attempts, batch_id," \
  " custom_id "

namespace mao {

struct JobRow {
  int64_t seq = 0;
  int64_t claims = 0;
  StoredJob job;
};

// Reads the row that `statement` stands on.
JobRow ReadJobRow(const Statement& statement);

// Runs a statement with MAO_JOB_COLUMNS to its end: its last row, if any.
Result<std::optional<JobRow>> FindJobRow(Transaction* transaction, std::string_view sql,
                                         std::initializer_list<SqlValue> values);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_JOB_ROW_H_
