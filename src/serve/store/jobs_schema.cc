#include "serve/store/jobs_schema.h"

#include <array>

namespace mao {
namespace {

// What the tables are for is in docs/persistence.md. Times are milliseconds since 1970 UTC, 0 for
// "not yet".
//
// - Requests and results stand apart from jobs, so that progress does not rewrite megabytes. The
//   primary key of job_results lets no job have two.
// - The triggers keep counts in the transaction that changes them, so that no code can forget it.
// - AUTOINCREMENT: a row number is never used again, so it orders jobs whatever the clock does.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  filename TEXT NOT NULL,
  purpose TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX files_by_owner ON files (owner, seq, size_bytes);
CREATE INDEX files_by_content ON files (sha256);
CREATE INDEX files_by_expiry ON files (expires_ms) WHERE expires_ms > 0;

CREATE TABLE batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  completion_window TEXT NOT NULL,
  status TEXT NOT NULL,
  input_file_id TEXT NOT NULL,
  input_sha256 TEXT,
  input_bytes INTEGER NOT NULL,
  output_file_id TEXT,
  error_file_id TEXT,
  errors TEXT,
  metadata TEXT,
  total INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  in_progress_ms INTEGER NOT NULL DEFAULT 0,
  finalizing_ms INTEGER NOT NULL DEFAULT 0,
  completed_ms INTEGER NOT NULL DEFAULT 0,
  failed_ms INTEGER NOT NULL DEFAULT 0,
  expired_ms INTEGER NOT NULL DEFAULT 0,
  cancelling_ms INTEGER NOT NULL DEFAULT 0,
  cancelled_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batches_by_owner ON batches (owner, seq);
CREATE INDEX batches_by_status ON batches (status, seq);
CREATE INDEX batches_by_content ON batches (input_sha256) WHERE input_sha256 IS NOT NULL;

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  pages_done INTEGER NOT NULL DEFAULT 0,
  pages_total INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL DEFAULT 0,
  finished_ms INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  claims INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT,
  callback_url TEXT,
  callback_state TEXT,
  callback_attempts INTEGER NOT NULL DEFAULT 0,
  callback_next_ms INTEGER NOT NULL DEFAULT 0,
  batch_id TEXT REFERENCES batches (id),
  batch_line INTEGER,
  custom_id TEXT
) STRICT;
CREATE INDEX jobs_queue ON jobs (priority, seq) WHERE state = 'queued';
CREATE INDEX jobs_oldest_queued ON jobs (seq) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (seq) WHERE state = 'running';
CREATE INDEX jobs_by_owner ON jobs (owner, seq) WHERE batch_id IS NULL;
CREATE INDEX jobs_by_batch ON jobs (batch_id, batch_line) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_by_expiry ON jobs (expires_ms) WHERE expires_ms > 0;
CREATE INDEX jobs_by_callback ON jobs (callback_next_ms) WHERE callback_state = 'pending';
CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (owner, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE job_requests (
  seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  request TEXT,
  batch_offset INTEGER,
  batch_bytes INTEGER
) STRICT;

CREATE TABLE job_inputs (
  seq INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (seq, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_inputs_by_content ON job_inputs (sha256);

CREATE TABLE job_results (
  seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  result TEXT NOT NULL
) STRICT;

CREATE TABLE job_counts (
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  num_jobs INTEGER NOT NULL,
  PRIMARY KEY (owner, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_counted_on_insert AFTER INSERT ON jobs BEGIN
  INSERT INTO job_counts VALUES (NEW.owner, NEW.state, 1)
    ON CONFLICT DO UPDATE SET num_jobs = num_jobs + 1;
END;
CREATE TRIGGER jobs_counted_on_update AFTER UPDATE OF state ON jobs
  WHEN OLD.state <> NEW.state BEGIN
  UPDATE job_counts SET num_jobs = num_jobs - 1 WHERE owner = OLD.owner AND state = OLD.state;
  INSERT INTO job_counts VALUES (NEW.owner, NEW.state, 1)
    ON CONFLICT DO UPDATE SET num_jobs = num_jobs + 1;
END;
CREATE TRIGGER jobs_counted_on_delete AFTER DELETE ON jobs BEGIN
  UPDATE job_counts SET num_jobs = num_jobs - 1 WHERE owner = OLD.owner AND state = OLD.state;
END;
CREATE TRIGGER jobs_counted_in_batch AFTER UPDATE OF state ON jobs
  WHEN NEW.batch_id IS NOT NULL AND OLD.state IN ('queued', 'running')
    AND NEW.state NOT IN ('queued', 'running') BEGIN
  UPDATE batches SET ended = ended + 1, completed = completed + (NEW.state = 'succeeded'),
    failed = failed + (NEW.state = 'failed') WHERE id = NEW.batch_id;
END
)sql";

constexpr std::array kMigrations = {kVersion1};

}  // namespace

std::span<const std::string_view> JobsMigrations() { return kMigrations; }

}  // namespace mao
