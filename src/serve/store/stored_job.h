// What an asynchronous job is, as the store shows it.
#ifndef MAOOCR_SERVE_STORE_STORED_JOB_H_
#define MAOOCR_SERVE_STORE_STORED_JOB_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/store/blob_store.h"

namespace mao {

enum class JobState { kQueued, kRunning, kSucceeded, kFailed, kCancelled, kExpired };

// "queued" and so on: in the database, in answers and as a label of metrics.
std::string_view JobStateName(JobState state);

inline bool HasEnded(JobState state) {
  return state != JobState::kQueued && state != JobState::kRunning;
}

// Whether the end of a job has been told to its callback URL.
enum class CallbackState { kNone, kPending, kDelivered, kFailed };

std::string_view CallbackStateName(CallbackState state);

struct JobError {
  std::string code;     // for programs: "interrupted", "invalid_image", …
  std::string message;  // for people
};

struct JobProgress {
  int64_t pages_done = 0;
  int64_t pages_total = 0;  // 0: not known yet
  std::string message;
};

// All but request, inputs and result, which can be large. Times are milliseconds since 1970 UTC; 0:
// not yet, or for expires_ms: never.
struct StoredJob {
  std::string id;  // "job_" and 32 hex digits
  std::string kind;
  std::string owner;
  int32_t priority = 0;  // smaller is served first, as in the engine
  JobState state = JobState::kQueued;
  int64_t version = 0;  // grows with every change
  JobProgress progress;
  int64_t created_ms = 0;
  int64_t started_ms = 0;
  int64_t finished_ms = 0;
  int64_t expires_ms = 0;
  int32_t attempts = 0;  // how often it was started, orderly releases not counted
  std::optional<JobError> error;
  bool cancel_requested = false;
  std::string idempotency_key;
  std::string callback_url;
  CallbackState callback_state = CallbackState::kNone;
  int32_t callback_attempts = 0;
  std::string batch_id;
  std::string custom_id;
};

struct NewJobInput {
  StoredBlob blob;
  std::string name;
  std::string media_type;
};

struct NewJob {
  std::string kind;
  std::string owner;
  int32_t priority = 0;
  std::string request;  // JSON
  std::vector<NewJobInput> inputs;
  std::string callback_url;     // empty: none
  std::string idempotency_key;  // empty: none; else the owner's own, until the job is gone
};

// An input of a claimed job; BlobStore::Map gives its content.
struct JobInput {
  std::string name;
  std::string media_type;
  std::string sha256;
  int64_t size_bytes = 0;
};

// The right to work on a job, until the job ends or is released.
struct JobClaim {
  std::string id;
  int64_t number = 0;  // tells this claim from earlier ones of the same job
};

struct ClaimedJob {
  JobClaim claim;
  StoredJob job;
  std::vector<JobInput> inputs;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_STORED_JOB_H_
