// What a batch is, as the store shows it, and the lines of its output files.
#ifndef MAOOCR_SERVE_STORE_STORED_BATCH_H_
#define MAOOCR_SERVE_STORE_STORED_BATCH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serve/store/stored_job.h"

namespace mao {

enum class BatchStatus {
  kValidating,
  kFailed,
  kInProgress,
  kFinalizing,
  kCompleted,
  kExpired,
  kCancelling,
  kCancelled,
};

inline bool HasEnded(BatchStatus status) {
  return status == BatchStatus::kFailed || status == BatchStatus::kCompleted ||
         status == BatchStatus::kExpired || status == BatchStatus::kCancelled;
}

// "validating" and so on, as in OpenAI's answers.
std::string_view BatchStatusName(BatchStatus status);

// Times are milliseconds since 1970 UTC; 0: not (yet).
struct StoredBatch {
  std::string id;  // "batch_" and 32 hex digits
  std::string owner;
  std::string endpoint;
  std::string completion_window;
  BatchStatus status = BatchStatus::kValidating;
  std::string input_file_id;
  std::string output_file_id;  // empty: none (yet)
  std::string error_file_id;   // empty: none (yet)
  std::string errors;          // of the validation: JSON; empty: none
  std::string metadata;        // JSON; empty: none
  int64_t num_total = 0;
  int64_t num_completed = 0;
  int64_t num_failed = 0;
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t in_progress_ms = 0;
  int64_t finalizing_ms = 0;
  int64_t completed_ms = 0;
  int64_t failed_ms = 0;
  int64_t expired_ms = 0;
  int64_t cancelling_ms = 0;
  int64_t cancelled_ms = 0;
};

// A line whose job has ended.
struct EndedLine {
  std::string job_id;
  std::string custom_id;
  std::optional<std::string> result;  // JSON
  JobError error;                     // when there is no result
};

// The line as OpenAI's output and error files hold it, line end included.
std::string OutputLine(const EndedLine& line);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_STORED_BATCH_H_
