// A row of the table of batches, for the .cc files of this folder.
#ifndef MAOOCR_SERVE_STORE_BATCH_ROW_H_
#define MAOOCR_SERVE_STORE_BATCH_ROW_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/store/database.h"
#include "serve/store/stored_batch.h"

// What FindBatchRows expects after SELECT. A macro, so that statements stay literals.
#define MAO_BATCH_COLUMNS                                                                        \
  " seq, ended, input_sha256, input_bytes, id, owner, endpoint, completion_window, status,"      \
  " input_file_id, output_file_id, error_file_id, errors, metadata, total, completed, failed,"   \
  " created_ms, expires_ms, in_progress_ms, finalizing_ms, completed_ms, failed_ms, expired_ms," \
  " cancelling_ms, cancelled_ms "

namespace mao {

struct BatchRow {
  int64_t seq = 0;
  int64_t num_ended = 0;
  std::string input_sha256;  // empty once the batch has ended
  int64_t input_bytes = 0;
  StoredBatch batch;
};

Result<std::vector<BatchRow>> FindBatchRows(Transaction* transaction, std::string_view sql,
                                            std::initializer_list<SqlValue> values);

// Of whatever owner; NotFound.
Result<BatchRow> FindBatch(Transaction* transaction, std::string_view id);
// The owner's; NotFound.
Result<BatchRow> FindBatch(Transaction* transaction, std::string_view owner, std::string_view id);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_BATCH_ROW_H_
