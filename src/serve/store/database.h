// A SQLite database: opening, migrating, transactions, cached statements, errors that name the file.
//
// One connection behind one mutex. SQLite has one writer whatever the number of connections, and
// what the stores do in a transaction takes some 10 to 100 us plus one sync; connections of one's
// own would gain readers little and bring SQLITE_BUSY, a statement cache for each and a snapshot
// for each. A Transaction holds the mutex: keep it short, and call no other store from inside it.
#ifndef MAOOCR_SERVE_STORE_DATABASE_H_
#define MAOOCR_SERVE_STORE_DATABASE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mao {

class Database;

struct CachedStatement {
  sqlite3_stmt* statement = nullptr;
  bool in_use = false;
};

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
      : database_(other.database_), cached_(std::exchange(other.cached_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // True: there is a row. False: the end.
  Result<bool> Step();

  // Columns of the row, from 0. NULL reads as 0 and "".
  int64_t Int(int column) const;
  std::string Text(int column) const;

 private:
  friend class Transaction;
  Statement(const Database* database, CachedStatement* cached)
      : database_(database), cached_(cached) {}

  Status Bind(std::initializer_list<SqlValue> values);

  const Database* database_;
  CachedStatement* cached_;  // null once moved from
};

// Holds the database until it goes. Without Commit everything is rolled back.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept
      : lock_(std::move(other.lock_)), database_(std::exchange(other.database_, nullptr)) {}
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
  Transaction(std::unique_lock<std::mutex> lock, Database* database)
      : lock_(std::move(lock)), database_(database) {}

  std::unique_lock<std::mutex> lock_;
  Database* database_;  // null once moved from or committed
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

  // A consistent view; waits for the transaction of another thread.
  Result<Transaction> Read();
  Result<Transaction> Write(Durability durability);

  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  friend class Transaction;

  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  explicit Database(const Options& options);

  Status Configure();
  Status CheckIntegrity();
  Status Migrate(std::span<const std::string_view> migrations);
  Status Execute(const char* sql);
  Status CheckOrigin(int64_t newest_version);
  Result<std::string> PragmaText(const char* sql);
  Result<CachedStatement*> Borrow(std::string_view sql);
  Result<Transaction> Begin(const char* sql, std::optional<Durability> durability);
  // The error of the last call, which returned `code` and was to do `what`.
  Status ErrorOf(int code, std::string_view what) const;

  const std::string path_;
  const int64_t max_bytes_;
  const int busy_timeout_ms_;
  std::mutex mutex_;  // guards all below
  sqlite3* connection_ = nullptr;
  Durability durability_ = Durability::kPowerFailure;
  std::unordered_map<std::string, CachedStatement, TextHash, std::equal_to<>> statements_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_DATABASE_H_
