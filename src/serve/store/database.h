// A SQLite database: opening, migrating, transactions, cached statements, errors that name the file.
//
// Two connections, each behind a mutex: one writes, one reads. SQLite has one writer whatever the
// number of connections, and with one of our own nobody meets SQLITE_BUSY. The other lets readers go
// on while a writer waits for the disk (some ms for each sync), as the write-ahead log allows; they
// see what was committed before they began. One for each thread would multiply statement caches and
// page caches for reads that take some 10 us. A Transaction holds its mutex: keep it short, and call
// no other store from inside it.
#ifndef MAOOCR_SERVE_STORE_DATABASE_H_
#define MAOOCR_SERVE_STORE_DATABASE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/status.h"

struct sqlite3_stmt;

namespace mao {

class SqliteConnection;

// What a commit survives. Neither is lost when the process dies, however it dies.
enum class Durability {
  kProcessCrash,  // synchronous=NORMAL: a power failure may take the newest commits, in order
  kPowerFailure,  // synchronous=FULL: on disk, with all commits before it, when Commit returns
};

// A value bound to a statement; monostate is NULL.
using SqlValue = std::variant<std::monostate, int64_t, std::string_view>;

// NULL for an empty text.
inline SqlValue TextOrNull(std::string_view text) {
  return text.empty() ? SqlValue() : SqlValue(text);
}

// A prepared statement, borrowed from the cache. It must go before its transaction.
class Statement {
 public:
  Statement(Statement&& other) noexcept
      : connection_(other.connection_), cached_(std::exchange(other.cached_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // True: there is a row. False: the end.
  Result<bool> Step();

  // Columns of the row, from 0. NULL reads as 0 and "".
  int64_t Int(int column) const;
  std::string Text(int column) const;

 private:
  friend class Transaction;
  struct Cached {
    sqlite3_stmt* statement = nullptr;
    bool in_use = false;
  };
  friend class SqliteConnection;

  Statement(const SqliteConnection* connection, Cached* cached)
      : connection_(connection), cached_(cached) {}

  Status Bind(std::initializer_list<SqlValue> values);

  const SqliteConnection* connection_;
  Cached* cached_;  // null once moved from
};

// Holds its connection until it goes. Without Commit everything is rolled back.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept
      : lock_(std::move(other.lock_)), connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // `sql` is one statement, written in the program: the cache keeps it for good. Values are copied.
  Result<Statement> Prepare(std::string_view sql, std::initializer_list<SqlValue> values = {});

  // Runs a statement to its end; rows that it returns are dropped.
  Status Run(std::string_view sql, std::initializer_list<SqlValue> values = {});

  // The first column of the first row; 0 when there is none.
  Result<int64_t> QueryInt(std::string_view sql, std::initializer_list<SqlValue> values = {});

  int64_t num_changes() const;  // rows that the last INSERT, UPDATE or DELETE touched
  int64_t last_insert_row() const;

  Status Commit();

 private:
  friend class Database;
  Transaction(std::unique_lock<std::mutex> lock, SqliteConnection* connection)
      : lock_(std::move(lock)), connection_(connection) {}

  std::unique_lock<std::mutex> lock_;
  SqliteConnection* connection_;  // null once moved from or committed
};

class Database {
 public:
  struct Options {
    std::string path;
    // Scripts; the n-th (from 1) leads from schema version n - 1 to n. Only ever append.
    std::span<const std::string_view> migrations;
    int64_t max_bytes = int64_t{4} << 30;  // writes that would grow the file further fail
    int busy_timeout_ms = 5000;            // waiting for others, such as a backup
  };

  // Opens or creates (mode 0600), checks and migrates. Errors name the file: DataLoss when it is
  // damaged or no database, InvalidArgument when it is another program's or of a newer schema.
  static Result<std::unique_ptr<Database>> Open(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // A consistent view of what is committed. Waits for other readers, never for writers.
  Result<Transaction> Read();
  // Waits for other writers.
  Result<Transaction> Write(Durability durability);

  const std::string& path() const { return path_; }

 private:
  explicit Database(std::string path);

  const std::string path_;
  std::unique_ptr<SqliteConnection> writer_;
  std::unique_ptr<SqliteConnection> reader_;  // closed first: the last one closes the log
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_DATABASE_H_
