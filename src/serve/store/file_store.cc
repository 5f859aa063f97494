#include "serve/store/file_store.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/store/database.h"
#include "serve/store/json_text.h"
#include "serve/store/random_id.h"

namespace mao {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr int64_t kExpiredAtOnce = 100;
constexpr std::array<std::string_view, 4> kPurposes = {"batch", "ocr", "user_data", "vision"};

// What ReadFiles expects after SELECT. A macro, so that statements stay literals.
#define MAO_FILE_COLUMNS \
  " id, owner, filename, purpose, size_bytes, sha256, created_ms, expires_ms "

// Control characters would reach headers.
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Status CheckNewFile(const NewFile& file) {
  if (std::find(kPurposes.begin(), kPurposes.end(), file.purpose) == kPurposes.end()) {
    return InvalidArgumentError(
        fmt::format("file: the purpose {}; known are batch, ocr, user_data and vision",
                    DumpJson(nlohmann::json(CutUtf8(file.purpose, kMaxNameBytes)))));
  }
  if (file.filename.empty() || file.filename.size() > kMaxNameBytes) {
    return InvalidArgumentError(fmt::format("file: a name of {} bytes; allowed are 1 to {}",
                                            file.filename.size(), kMaxNameBytes));
  }
  if (std::any_of(file.filename.begin(), file.filename.end(), IsControl)) {
    return InvalidArgumentError("file: its name holds control characters");
  }
  if (file.expires_in_ms < 0) return InvalidArgumentError("file: its time to live is negative");
  return OkStatus();
}

Result<std::vector<StoredFile>> ReadFiles(Transaction* transaction, std::string_view sql,
                                          std::initializer_list<SqlValue> values) {
  MAO_ASSIGN_OR_RETURN(Statement statement, transaction->Prepare(sql, values));
  std::vector<StoredFile> files;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return files;
    files.push_back({.id = statement.Text(0),
                     .owner = statement.Text(1),
                     .filename = statement.Text(2),
                     .purpose = statement.Text(3),
                     .size_bytes = statement.Int(4),
                     .sha256 = statement.Text(5),
                     .created_ms = statement.Int(6),
                     .expires_ms = statement.Int(7)});
  }
}

Result<int64_t> RowOf(Transaction* transaction, std::string_view owner, std::string_view id) {
  return transaction->QueryInt("SELECT seq FROM files WHERE id = ?1 AND owner = ?2", {id, owner});
}

}  // namespace

Result<StoredFile> FindFile(Transaction* transaction, std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(
      auto files,
      ReadFiles(transaction, "SELECT" MAO_FILE_COLUMNS "FROM files WHERE id = ?1 AND owner = ?2",
                {id, owner}));
  if (files.empty()) {
    return NotFoundError(
        fmt::format("file {}: there is none of this id", CutUtf8(id, kMaxNameBytes)));
  }
  return std::move(files[0]);
}

Status FileUpload::Append(std::span<const std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) > quota_bytes_ - writer_.size_bytes()) {
    return ResourceExhaustedError(fmt::format("file {}: the quota leaves it {} bytes",
                                              DumpJson(nlohmann::json(file_.filename)),
                                              quota_bytes_));
  }
  return writer_.Append(bytes);
}

Result<StoredFile> FileUpload::Finish() {
  MAO_ASSIGN_OR_RETURN(const StoredBlob blob, writer_.Finish());
  return store_->Store(file_, blob);
}

FileStore::FileStore(Database* database, BlobStore* blobs, FileLimits limits, UtcClock clock)
    : database_(database), blobs_(blobs), limits_(limits), clock_(std::move(clock)) {}

Result<FileUpload> FileStore::Begin(const NewFile& file) {
  MAO_RETURN_IF_ERROR(CheckNewFile(file));
  int64_t quota_bytes = 0;
  {
    MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
    MAO_ASSIGN_OR_RETURN(quota_bytes, QuotaLeft(&transaction, file.owner));
  }
  MAO_ASSIGN_OR_RETURN(
      BlobWriter writer,
      blobs_->Begin(fmt::format("file {}", DumpJson(nlohmann::json(file.filename))),
                    limits_.max_file_bytes));
  return FileUpload(this, file, std::move(writer), quota_bytes);
}

Result<int64_t> FileStore::QuotaLeft(Transaction* transaction, std::string_view owner) const {
  MAO_ASSIGN_OR_RETURN(
      const int64_t owned_files,
      transaction->QueryInt("SELECT count(*) FROM files WHERE owner = ?1", {owner}));
  MAO_ASSIGN_OR_RETURN(
      const int64_t owned_bytes,
      transaction->QueryInt("SELECT sum(size_bytes) FROM files WHERE owner = ?1", {owner}));
  MAO_ASSIGN_OR_RETURN(const int64_t num_files,
                       transaction->QueryInt("SELECT count(*) FROM files"));
  MAO_ASSIGN_OR_RETURN(const int64_t num_bytes,
                       transaction->QueryInt("SELECT sum(size_bytes) FROM files"));
  if (owned_files >= limits_.max_files_per_owner || num_files >= limits_.max_files) {
    return ResourceExhaustedError(
        fmt::format("files: {} of this owner and {} in all; the limits are {} and {}", owned_files,
                    num_files, limits_.max_files_per_owner, limits_.max_files));
  }
  return std::max<int64_t>(
      0, std::min(limits_.max_bytes_per_owner - owned_bytes, limits_.max_bytes - num_bytes));
}

Result<StoredFile> FileStore::Store(const NewFile& file, const StoredBlob& blob) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const int64_t quota_bytes, QuotaLeft(&transaction, file.owner));
  if (blob.size_bytes() > quota_bytes) {
    return ResourceExhaustedError(fmt::format("file {}: {} bytes; the quota leaves it {} bytes",
                                              DumpJson(nlohmann::json(file.filename)),
                                              blob.size_bytes(), quota_bytes));
  }
  MAO_ASSIGN_OR_RETURN(StoredFile stored, Insert(&transaction, file, blob));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  return stored;
}

Result<StoredFile> FileStore::Insert(Transaction* transaction, const NewFile& file,
                                     const StoredBlob& blob) const {
  MAO_ASSIGN_OR_RETURN(std::string id, RandomId("file-"));
  StoredFile stored{.id = std::move(id),
                    .owner = file.owner,
                    .filename = file.filename,
                    .purpose = file.purpose,
                    .size_bytes = blob.size_bytes(),
                    .sha256 = blob.sha256(),
                    .created_ms = clock_()};
  if (file.expires_in_ms > 0) stored.expires_ms = stored.created_ms + file.expires_in_ms;
  MAO_RETURN_IF_ERROR(transaction->Run(
      "INSERT INTO files (" MAO_FILE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      {stored.id, stored.owner, stored.filename, stored.purpose, stored.size_bytes, stored.sha256,
       stored.created_ms, stored.expires_ms}));
  return stored;
}

Result<StoredFile> FileStore::Get(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  return FindFile(&transaction, owner, id);
}

Result<MappedFile> FileStore::Content(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(const StoredFile file, Get(owner, id));
  return blobs_->Map(file.sha256, file.size_bytes);
}

Result<FilePage> FileStore::List(std::string_view owner, std::string_view purpose,
                                 std::string_view after_id, size_t limit) {
  if (limit < 1 || limit > kMaxPage) {
    return InvalidArgumentError(
        fmt::format("files: a page of {}; allowed are 1 to {}", limit, kMaxPage));
  }
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  int64_t before = INT64_MAX;
  if (!after_id.empty()) {
    MAO_ASSIGN_OR_RETURN(before, RowOf(&transaction, owner, after_id));
    if (before == 0) {
      return InvalidArgumentError(fmt::format("files after {}: there is none of this id",
                                              CutUtf8(after_id, kMaxNameBytes)));
    }
  }
  FilePage page;
  MAO_ASSIGN_OR_RETURN(
      page.files, ReadFiles(&transaction,
                            "SELECT" MAO_FILE_COLUMNS
                            "FROM files WHERE owner = ?1 AND seq < ?2 AND (?3 = '' OR purpose = ?3)"
                            " ORDER BY seq DESC LIMIT ?4",
                            {owner, before, purpose, static_cast<int64_t>(limit) + 1}));
  page.has_more = page.files.size() > limit;
  if (page.has_more) page.files.pop_back();
  return page;
}

Status FileStore::Delete(std::string_view owner, std::string_view id) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
  MAO_ASSIGN_OR_RETURN(const StoredFile file, FindFile(&transaction, owner, id));
  MAO_RETURN_IF_ERROR(transaction.Run("DELETE FROM files WHERE id = ?1", {id}));
  MAO_RETURN_IF_ERROR(transaction.Commit());
  blobs_->RemoveUnused(std::span(&file.sha256, 1));
  return OkStatus();
}

Result<int64_t> FileStore::Expire() {
  int64_t num_deleted = 0;
  while (true) {
    std::vector<std::string> unused;
    MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kPowerFailure));
    MAO_ASSIGN_OR_RETURN(const auto files,
                         ReadFiles(&transaction,
                                   "SELECT" MAO_FILE_COLUMNS
                                   "FROM files WHERE expires_ms > 0 AND expires_ms <= ?1 LIMIT ?2",
                                   {clock_(), kExpiredAtOnce}));
    for (const StoredFile& file : files) {
      MAO_RETURN_IF_ERROR(transaction.Run("DELETE FROM files WHERE id = ?1", {file.id}));
      unused.push_back(file.sha256);
    }
    if (files.empty()) return num_deleted;
    MAO_RETURN_IF_ERROR(transaction.Commit());
    blobs_->RemoveUnused(unused);
    num_deleted += static_cast<int64_t>(files.size());
  }
}

}  // namespace mao
