#include "serve/store/database.h"

#include <array>
#include <fstream>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/store/data_folder.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr std::array<std::string_view, 2> kMigrations = {
    "CREATE TABLE notes (seq INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    "ALTER TABLE notes ADD COLUMN size INTEGER NOT NULL DEFAULT 7",
};

class DatabaseTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Database>> TryOpen(size_t num_migrations = 2,
                                            int64_t max_bytes = 1 << 20) const {
    return Database::Open({.path = path_,
                           .migrations = std::span(kMigrations).first(num_migrations),
                           .max_bytes = max_bytes});
  }
  std::unique_ptr<Database> Open() const { return ValueOf(TryOpen()); }

  static Status AddNote(Database* database, std::string_view text) {
    MAO_ASSIGN_OR_RETURN(Transaction transaction, database->Write(Durability::kPowerFailure));
    MAO_RETURN_IF_ERROR(transaction.Run("INSERT INTO notes (text) VALUES (?1)", {text}));
    return transaction.Commit();
  }
  static int64_t NumNotes(Database* database) {
    Transaction transaction = ValueOf(database->Read());
    return ValueOf(transaction.QueryInt("SELECT count(*) FROM notes"));
  }
  static int ModeOf(const std::string& path) {
    struct stat info = {};
    return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777) : -1;
  }

  TempFolder folder_;
  const std::string path_ = folder_.PathOf("notes.db");
};

TEST_F(DatabaseTest, KeepsWhatWasCommittedAndNothingElse) {
  {
    auto database = Open();
    MAO_EXPECT_OK(AddNote(database.get(), "kept"));
    Transaction transaction = ValueOf(database->Write(Durability::kProcessCrash));
    MAO_EXPECT_OK(transaction.Run("INSERT INTO notes (text) VALUES (?1)", {"rolled back"}));
    EXPECT_EQ(transaction.num_changes(), 1);
    EXPECT_EQ(transaction.last_insert_row(), 2);
  }
  auto database = Open();
  Transaction transaction = ValueOf(database->Read());
  Statement statement = ValueOf(transaction.Prepare("SELECT seq, text, size FROM notes"));
  ASSERT_TRUE(ValueOf(statement.Step()));
  EXPECT_EQ(statement.Int(0), 1);
  EXPECT_EQ(statement.Text(1), "kept");
  EXPECT_EQ(statement.Int(2), 7);
  EXPECT_FALSE(ValueOf(statement.Step()));
}

TEST_F(DatabaseTest, TextsKeepTheirBytesAndNullsAreEmpty) {
  auto database = Open();
  Transaction transaction = ValueOf(database->Read());
  const std::string text("a\0b\xff", 4);
  Statement statement =
      ValueOf(transaction.Prepare("SELECT ?1, ?2, ?3", {text, SqlValue(), std::string_view()}));
  ASSERT_TRUE(ValueOf(statement.Step()));
  EXPECT_EQ(statement.Text(0), text);
  EXPECT_EQ(statement.Text(1), "");
  EXPECT_EQ(statement.Int(1), 0);
  EXPECT_EQ(statement.Text(2), "");
}

TEST_F(DatabaseTest, FilesAreForTheirOwnerAlone) {
  auto database = Open();
  MAO_EXPECT_OK(AddNote(database.get(), "x"));
  EXPECT_EQ(ModeOf(path_), 0600);
  EXPECT_EQ(ModeOf(path_ + "-wal"), 0600);
}

TEST_F(DatabaseTest, MigratesStepByStep) {
  MAO_EXPECT_OK(AddNote(ValueOf(TryOpen(1)).get(), "of version 1"));
  auto database = Open();
  Transaction transaction = ValueOf(database->Read());
  EXPECT_EQ(ValueOf(transaction.QueryInt("SELECT size FROM notes")), 7);
  EXPECT_EQ(ValueOf(transaction.QueryInt("PRAGMA user_version")), 2);
}

TEST_F(DatabaseTest, RefusesANewerSchemaAndLeavesItAlone) {
  Open().reset();
  const auto opened = TryOpen(1);
  ExpectError(opened.status(), StatusCode::kInvalidArgument, path_);
  ExpectError(opened.status(), StatusCode::kInvalidArgument, "version 2, newer than the 1");
  Open();
}

TEST_F(DatabaseTest, AFailedMigrationLeavesTheVersionBefore) {
  constexpr std::array<std::string_view, 2> kBroken = {
      kMigrations[0], "CREATE TABLE more (x INTEGER); INSERT INTO nowhere VALUES (1)"};
  const auto opened = Database::Open({.path = path_, .migrations = kBroken});
  ExpectError(opened.status(), StatusCode::kInternal, "schema to version 2");
  auto database = ValueOf(TryOpen(1));
  Transaction transaction = ValueOf(database->Read());
  EXPECT_EQ(ValueOf(transaction.QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'more'")),
            0);
}

TEST_F(DatabaseTest, RefusesTheDatabaseOfAnotherProgram) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t (x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  ExpectError(TryOpen().status(), StatusCode::kInvalidArgument, "another program");
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(5000, 'x');
  ExpectError(TryOpen().status(), StatusCode::kDataLoss, path_);
}

TEST_F(DatabaseTest, RefusesADamagedDatabase) {
  {
    auto database = Open();
    for (int i = 0; i < 50; ++i) MAO_EXPECT_OK(AddNote(database.get(), std::string(1000, 'x')));
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);  // the root page of the table; the header stays whole
  file << std::string(4096, '\x5a');
  file.close();
  const auto opened = TryOpen();
  ExpectError(opened.status(), StatusCode::kDataLoss, path_);
  ExpectError(opened.status(), StatusCode::kDataLoss, "damaged");
}

TEST_F(DatabaseTest, DamageThatComesLaterIsAnErrorToo) {
  auto database = Open();
  MAO_EXPECT_OK(AddNote(database.get(), "x"));
  // A change by another connection empties the page cache of the first.
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(other, "INSERT INTO notes (text) VALUES ('y'); PRAGMA wal_checkpoint(TRUNCATE)",
                   nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(other);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, '\x5a');
  }
  Transaction transaction = ValueOf(database->Read());
  const auto count = transaction.QueryInt("SELECT sum(size) FROM notes");
  ExpectError(count.status(), StatusCode::kDataLoss, path_);
  ExpectError(count.status(), StatusCode::kDataLoss, "damaged");
}

TEST_F(DatabaseTest, AFullDatabaseRefusesWritesAndStillReads) {
  auto database = ValueOf(TryOpen(2, 64 << 10));
  const std::string text(4000, 'x');
  Status status = OkStatus();
  int64_t num_added = 0;
  while (status.ok() && num_added < 100) {
    status = AddNote(database.get(), text);
    if (status.ok()) ++num_added;
  }
  ExpectError(status, StatusCode::kResourceExhausted, path_);
  ExpectError(status, StatusCode::kResourceExhausted, "the limit is 65536 bytes");
  EXPECT_GT(num_added, 5);
  EXPECT_EQ(NumNotes(database.get()), num_added);
  // Room that is made can be used again.
  {
    Transaction transaction = ValueOf(database->Write(Durability::kPowerFailure));
    MAO_EXPECT_OK(transaction.Run("DELETE FROM notes"));
    MAO_EXPECT_OK(transaction.Commit());
  }
  MAO_EXPECT_OK(AddNote(database.get(), text));
}

TEST_F(DatabaseTest, WrongStatementsAreErrors) {
  auto database = Open();
  Transaction transaction = ValueOf(database->Write(Durability::kProcessCrash));
  EXPECT_EQ(transaction.Run("SELECT nonsense FROM nowhere").code(), StatusCode::kInternal);
  ExpectError(transaction.Run("SELECT ?1, ?2", {1}), StatusCode::kInternal, "1 values");
  ExpectError(transaction.Run("INSERT INTO notes (text) VALUES (NULL)"), StatusCode::kInternal,
              "NOT NULL");
  Statement statement = ValueOf(transaction.Prepare("SELECT 1"));
  ExpectError(transaction.Prepare("SELECT 1").status(), StatusCode::kInternal, "twice at once");
}

TEST_F(DatabaseTest, AFolderThatIsNotThereIsAnError) {
  const auto opened =
      Database::Open({.path = folder_.PathOf("nowhere/notes.db"), .migrations = kMigrations});
  ExpectError(opened.status(), StatusCode::kNotFound, "nowhere/notes.db");
}

TEST_F(DatabaseTest, ReadersGoOnWhileOneWrites) {
  auto database = Open();
  MAO_EXPECT_OK(AddNote(database.get(), "before"));
  Transaction transaction = ValueOf(database->Write(Durability::kPowerFailure));
  MAO_EXPECT_OK(transaction.Run("INSERT INTO notes (text) VALUES ('x')"));
  EXPECT_EQ(NumNotes(database.get()), 1);
  MAO_EXPECT_OK(transaction.Commit());
  EXPECT_EQ(NumNotes(database.get()), 2);
}

TEST_F(DatabaseTest, ReadersCannotWrite) {
  auto database = Open();
  Transaction transaction = ValueOf(database->Read());
  EXPECT_FALSE(transaction.Run("INSERT INTO notes (text) VALUES ('x')").ok());
}

TEST_F(DatabaseTest, ThreadsTakeTurns) {
  auto database = Open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        Transaction transaction = ValueOf(database->Write(Durability::kProcessCrash));
        const int64_t count = ValueOf(transaction.QueryInt("SELECT count(*) FROM notes"));
        // Fails if another thread came in between.
        MAO_EXPECT_OK(transaction.Run("INSERT INTO notes (seq, text) VALUES (?1, 'x')", {count}));
        MAO_EXPECT_OK(transaction.Commit());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(NumNotes(database.get()), 200);
}

TEST(DataFolderTest, IsPrivateAndHeldByOne) {
  TempFolder folder;
  const std::string path = folder.PathOf("data");
  auto held = std::make_unique<DataFolder>(ValueOf(DataFolder::Open(path)));
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  const auto second = DataFolder::Open(path);
  ExpectError(second.status(), StatusCode::kUnavailable, path);
  ExpectError(second.status(), StatusCode::kUnavailable, "(id " + std::to_string(getpid()) + ")");
  held.reset();
  EXPECT_TRUE(DataFolder::Open(path).ok());
}

TEST(DataFolderTest, MakesTheFoldersAboveIt) {
  const TempFolder folder;
  for (const char* name : {"a/b/c", "d/e/"}) {
    EXPECT_TRUE(DataFolder::Open(folder.PathOf(name)).ok()) << name;
  }
  struct stat info = {};
  ASSERT_EQ(stat(folder.PathOf("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(DataFolderTest, RefusesAnotherProcess) {
  TempFolder folder;
  const DataFolder held = ValueOf(DataFolder::Open(folder.PathOf("data")));
  const pid_t child = fork();
  if (child == 0) {
    const auto second = DataFolder::Open(folder.PathOf("data"));
    _exit(second.status().code() == StatusCode::kUnavailable ? 0 : 1);
  }
  int exit_status = -1;
  ASSERT_EQ(waitpid(child, &exit_status, 0), child);
  EXPECT_EQ(exit_status, 0);
}

TEST(DataFolderTest, NamesWhatIsWrong) {
  TempFolder folder;
  ExpectError(DataFolder::Open("").status(), StatusCode::kInvalidArgument, "empty");
  std::ofstream(folder.PathOf("file")) << "x";
  ExpectError(DataFolder::Open(folder.PathOf("file")).status(), StatusCode::kInvalidArgument,
              "is no folder");
}

}  // namespace
}  // namespace mao
