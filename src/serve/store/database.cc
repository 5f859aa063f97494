#include "serve/store/database.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_map>

#include <fcntl.h>
#include <sqlite3.h>

#include <fmt/core.h>

#include "serve/store/posix_file.h"

namespace mao {
namespace {

constexpr int64_t kApplicationId = 0x4d616f4f;  // "MaoO"

// SQLite leaves the mode of a new file to the umask; -wal and -shm take the mode of the database.
Status CreatePrivateFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return fd.valid() ? OkStatus() : ErrnoError(path, "cannot open");
}

int64_t ParseInt(const std::string& text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int BindValue(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return sqlite3_bind_int64(statement, index, *number);
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    // A text without data would be bound as NULL.
    return sqlite3_bind_text64(statement, index, text->data() == nullptr ? "" : text->data(),
                               text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, index);
}

}  // namespace

// One connection with its statements. Whoever uses it holds its mutex.
class SqliteConnection {
 public:
  explicit SqliteConnection(const Database::Options& options)
      : path_(options.path),
        max_bytes_(options.max_bytes),
        busy_timeout_ms_(options.busy_timeout_ms) {}
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  std::mutex& mutex() { return mutex_; }
  sqlite3* get() const { return connection_; }
  const std::string& path() const { return path_; }

  Status Open();
  // Before anything is written: a file of another program or a newer version stays as it is.
  Status CheckOrigin(int64_t newest_version);
  Status Configure();
  Status CheckIntegrity();
  Status Migrate(std::span<const std::string_view> migrations);

  Status SetDurability(Durability durability);
  Status Execute(const char* sql);
  Result<Statement::Cached*> Borrow(std::string_view sql);
  // The error of the last call, which returned `code` and was to do `what`.
  Status ErrorOf(int code, std::string_view what) const;

 private:
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  // The first column of the first row of a statement that is used once.
  Result<std::string> QueryText(const char* sql);

  const std::string path_;
  const int64_t max_bytes_;
  const int busy_timeout_ms_;
  std::mutex mutex_;
  sqlite3* connection_ = nullptr;
  Durability durability_ = Durability::kPowerFailure;
  std::unordered_map<std::string, Statement::Cached, TextHash, std::equal_to<>> statements_;
};

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, cached] : statements_) sqlite3_finalize(cached.statement);
  sqlite3_close_v2(connection_);
}

Status SqliteConnection::Open() {
  // NOMUTEX: mutex_ already keeps threads apart.
  const int code = sqlite3_open_v2(path_.c_str(), &connection_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (connection_ == nullptr) {
    return ResourceExhaustedError(path_ + ": no memory to open the database");
  }
  if (code != SQLITE_OK) return ErrorOf(code, "open");
  sqlite3_extended_result_codes(connection_, 1);
  sqlite3_busy_timeout(connection_, busy_timeout_ms_);
  return OkStatus();
}

Status SqliteConnection::CheckOrigin(int64_t newest_version) {
  MAO_ASSIGN_OR_RETURN(const std::string objects, QueryText("SELECT count(*) FROM sqlite_schema"));
  if (ParseInt(objects) == 0) return OkStatus();
  MAO_ASSIGN_OR_RETURN(const std::string application, QueryText("PRAGMA application_id"));
  if (ParseInt(application) != kApplicationId) {
    return InvalidArgumentError(path_ + ": a database of another program");
  }
  MAO_ASSIGN_OR_RETURN(const std::string version, QueryText("PRAGMA user_version"));
  if (ParseInt(version) > newest_version) {
    return InvalidArgumentError(
        fmt::format("{}: its schema is of version {}, newer than the {} that this program knows; "
                    "use the newer program or restore a backup",
                    path_, version, newest_version));
  }
  return OkStatus();
}

Status SqliteConnection::Configure() {
  MAO_ASSIGN_OR_RETURN(const std::string mode, QueryText("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return UnavailableError(path_ + ": this file system offers no write-ahead log");
  }
  MAO_ASSIGN_OR_RETURN(const std::string page_bytes, QueryText("PRAGMA page_size"));
  const int64_t max_pages = std::max<int64_t>(1, max_bytes_ / ParseInt(page_bytes));
  // The log shrinks back after a large transaction; the page cache takes at most 16 MiB.
  return Execute(fmt::format("PRAGMA max_page_count={}; PRAGMA foreign_keys=ON;"
                             "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216;"
                             "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY",
                             max_pages)
                     .c_str());
}

Status SqliteConnection::CheckIntegrity() {
  MAO_ASSIGN_OR_RETURN(const std::string finding, QueryText("PRAGMA quick_check(1)"));
  if (finding == "ok") return OkStatus();
  return DataLossError(fmt::format(
      "{}: the database is damaged ({}); restore a backup or move the file away", path_, finding));
}

Status SqliteConnection::Migrate(std::span<const std::string_view> migrations) {
  MAO_ASSIGN_OR_RETURN(const std::string version, QueryText("PRAGMA user_version"));
  for (auto i = static_cast<size_t>(ParseInt(version)); i < migrations.size(); ++i) {
    // One transaction for each, so that a crash leaves a whole version.
    Status status = Execute(
        fmt::format("BEGIN IMMEDIATE; {}; PRAGMA application_id={}; PRAGMA user_version={}; COMMIT",
                    migrations[i], kApplicationId, i + 1)
            .c_str());
    if (!status.ok()) {
      sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
      return status.WithContext(fmt::format("leading the schema to version {}", i + 1));
    }
  }
  return OkStatus();
}

Status SqliteConnection::SetDurability(Durability durability) {
  if (durability == durability_) return OkStatus();
  MAO_RETURN_IF_ERROR(Execute(durability == Durability::kPowerFailure
                                  ? "PRAGMA synchronous=FULL"
                                  : "PRAGMA synchronous=NORMAL"));
  durability_ = durability;
  return OkStatus();
}

Status SqliteConnection::Execute(const char* sql) {
  const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? OkStatus() : ErrorOf(code, "write");
}

Result<std::string> SqliteConnection::QueryText(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code, "read");
  code = sqlite3_step(statement);
  std::string text;
  if (code == SQLITE_ROW) {
    const auto* value = sqlite3_column_text(statement, 0);
    if (value != nullptr) text = reinterpret_cast<const char*>(value);
  }
  Status status = code == SQLITE_ROW ? OkStatus() : ErrorOf(code, "read");
  sqlite3_finalize(statement);
  if (!status.ok()) return status;
  return text;
}

Result<Statement::Cached*> SqliteConnection::Borrow(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    Statement::Cached cached;
    const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &cached.statement, nullptr);
    if (code != SQLITE_OK) return ErrorOf(code, "prepare a statement");
    found = statements_.emplace(sql, cached).first;
  }
  Statement::Cached& cached = found->second;
  if (cached.in_use) {
    return InternalError(fmt::format("{}: a statement used twice at once: {}", path_, sql));
  }
  cached.in_use = true;
  return &cached;
}

Status SqliteConnection::ErrorOf(int code, std::string_view what) const {
  const std::string reason = sqlite3_errmsg(connection_);
  const auto message = [&](std::string_view hint) {
    return fmt::format("{}: cannot {}: {}{}", path_, what, reason, hint);
  };
  switch (code & 0xff) {  // the primary code of an extended one
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DataLossError(message("; the file is damaged: restore a backup or move it away"));
    case SQLITE_FULL:
      return ResourceExhaustedError(
          message(fmt::format("; the limit is {} bytes, or the disk's end", max_bytes_)));
    case SQLITE_NOMEM:
      return ResourceExhaustedError(message(""));
    case SQLITE_TOOBIG:
      return OutOfRangeError(message(""));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return UnavailableError(
          message(fmt::format("; another process kept it locked for {} ms", busy_timeout_ms_)));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return UnavailableError(message(""));
    default:
      return InternalError(message(""));
  }
}

Statement::~Statement() {
  if (cached_ == nullptr) return;
  sqlite3_reset(cached_->statement);
  sqlite3_clear_bindings(cached_->statement);  // lets go of large texts
  cached_->in_use = false;
}

Status Statement::Bind(std::initializer_list<SqlValue> values) {
  int index = 0;
  for (const SqlValue& value : values) {
    const int code = BindValue(cached_->statement, ++index, value);
    if (code != SQLITE_OK) return connection_->ErrorOf(code, "bind a value");
  }
  if (index != sqlite3_bind_parameter_count(cached_->statement)) {
    return InternalError(fmt::format("{}: {} values for the statement {}", connection_->path(),
                                     index, sqlite3_sql(cached_->statement)));
  }
  return OkStatus();
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(cached_->statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->ErrorOf(code,
                              sqlite3_stmt_readonly(cached_->statement) != 0 ? "read" : "write");
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(cached_->statement, column);
}

std::string Statement::Text(int column) const {
  const auto* text = sqlite3_column_text(cached_->statement, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(cached_->statement, column))};
}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // SQLite has rolled back by itself after some errors, such as a full disk.
  if (sqlite3_get_autocommit(connection_->get()) != 0) return;
  // An error here leaves nothing to do: what was not committed does not count.
  sqlite3_exec(connection_->get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<Statement> Transaction::Prepare(std::string_view sql,
                                       std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement::Cached * cached, connection_->Borrow(sql));
  Statement statement(connection_, cached);
  MAO_RETURN_IF_ERROR(statement.Bind(values));
  return statement;
}

Status Transaction::Run(std::string_view sql, std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, Prepare(sql, values));
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return OkStatus();
  }
}

Result<int64_t> Transaction::QueryInt(std::string_view sql,
                                      std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, Prepare(sql, values));
  MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  return has_row ? statement.Int(0) : 0;
}

int64_t Transaction::num_changes() const { return sqlite3_changes64(connection_->get()); }

int64_t Transaction::last_insert_row() const {
  return sqlite3_last_insert_rowid(connection_->get());
}

Status Transaction::Commit() {
  MAO_RETURN_IF_ERROR(connection_->Execute("COMMIT"));
  connection_ = nullptr;
  lock_.unlock();
  return OkStatus();
}

Database::Database(std::string path) : path_(std::move(path)) {}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const Options& options) {
  MAO_RETURN_IF_ERROR(CreatePrivateFile(options.path));
  std::unique_ptr<Database> database(new Database(options.path));
  database->writer_ = std::make_unique<SqliteConnection>(options);
  SqliteConnection& writer = *database->writer_;
  MAO_RETURN_IF_ERROR(writer.Open());
  MAO_RETURN_IF_ERROR(writer.CheckOrigin(static_cast<int64_t>(options.migrations.size())));
  MAO_RETURN_IF_ERROR(writer.Configure());
  MAO_RETURN_IF_ERROR(writer.CheckIntegrity());
  MAO_RETURN_IF_ERROR(writer.Migrate(options.migrations));
  database->reader_ = std::make_unique<SqliteConnection>(options);
  MAO_RETURN_IF_ERROR(database->reader_->Open());
  MAO_RETURN_IF_ERROR(database->reader_->Execute("PRAGMA query_only=ON; PRAGMA cache_size=-16384"));
  return database;
}

Result<Transaction> Database::Read() {
  std::unique_lock<std::mutex> lock(reader_->mutex());
  MAO_RETURN_IF_ERROR(reader_->Execute("BEGIN"));
  return Transaction(std::move(lock), reader_.get());
}

Result<Transaction> Database::Write(Durability durability) {
  std::unique_lock<std::mutex> lock(writer_->mutex());
  MAO_RETURN_IF_ERROR(writer_->SetDurability(durability));
  MAO_RETURN_IF_ERROR(writer_->Execute("BEGIN IMMEDIATE"));
  return Transaction(std::move(lock), writer_.get());
}

}  // namespace mao
