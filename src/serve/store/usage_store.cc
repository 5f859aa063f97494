#include "serve/store/usage_store.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/store/database.h"
#include "serve/store/json_text.h"

namespace mao {
namespace {

constexpr int64_t kHourMs = int64_t{3600} * 1000;
constexpr size_t kMaxTextBytes = 128;
constexpr std::string_view kOther = "(other)";

// `hour` counts hours since 1970 UTC, so that hour / 24 is the day.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE usage (
  hour INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  kind TEXT NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  pages INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  image_tokens INTEGER NOT NULL,
  compute_ms INTEGER NOT NULL,
  PRIMARY KEY (hour, key_id, model, kind)
) STRICT, WITHOUT ROWID
)sql";

constexpr std::array kMigrations = {kVersion1};

constexpr std::array kFields = {&UsageCounts::requests,      &UsageCounts::errors,
                                &UsageCounts::pages,         &UsageCounts::prompt_tokens,
                                &UsageCounts::output_tokens, &UsageCounts::cached_tokens,
                                &UsageCounts::image_tokens,  &UsageCounts::compute_ms};

#define MAO_USAGE_SUMS                                                               \
  " sum(requests), sum(errors), sum(pages), sum(prompt_tokens), sum(output_tokens)," \
  " sum(cached_tokens), sum(image_tokens), sum(compute_ms) FROM usage"               \
  " WHERE hour >= ?1 AND hour < ?2 AND (?3 = '' OR key_id = ?3)"                     \
  " GROUP BY 1 ORDER BY 1 LIMIT ?4"

std::string_view QueryText(UsageGroup group) {
  switch (group) {
    case UsageGroup::kKey:
      return "SELECT key_id," MAO_USAGE_SUMS;
    case UsageGroup::kModel:
      return "SELECT model," MAO_USAGE_SUMS;
    case UsageGroup::kKind:
      return "SELECT kind," MAO_USAGE_SUMS;
    case UsageGroup::kDay:
      return "SELECT hour / 24," MAO_USAGE_SUMS;
    case UsageGroup::kHour:
      return "SELECT hour," MAO_USAGE_SUMS;
  }
  return {};
}

UsageRow ReadRow(const Statement& statement, UsageGroup group) {
  UsageRow row;
  if (group == UsageGroup::kDay) {
    row.begin_ms = statement.Int(0) * 24 * kHourMs;
  } else if (group == UsageGroup::kHour) {
    row.begin_ms = statement.Int(0) * kHourMs;
  } else {
    row.name = statement.Text(0);
  }
  int column = 1;
  for (const auto field : kFields) row.counts.*field = statement.Int(column++);
  return row;
}

// Any time that a client may name becomes an hour that can be computed with.
int64_t HourOf(int64_t time_ms) { return std::max<int64_t>(0, time_ms) / kHourMs; }

}  // namespace

std::span<const std::string_view> UsageMigrations() { return kMigrations; }

UsageCounts& UsageCounts::operator+=(const UsageCounts& other) {
  for (const auto field : kFields) this->*field += std::max<int64_t>(0, other.*field);
  return *this;
}

size_t UsageStore::KeyHash::operator()(const KeyView& key) const {
  const std::hash<std::string_view> hash;
  size_t value = static_cast<size_t>(std::get<0>(key));
  for (const std::string_view text : {std::get<1>(key), std::get<2>(key), std::get<3>(key)}) {
    value = value * 0x9E3779B97F4A7C15 + hash(text);
  }
  return value;
}

size_t UsageStore::KeyHash::operator()(const Key& key) const { return (*this)(KeyView(key)); }

UsageStore::UsageStore(Database* database, UsageLimits limits, UtcClock clock)
    : database_(database), limits_(limits), clock_(std::move(clock)) {}

UsageStore::~UsageStore() {
  const Status status = Flush();
  if (!status.ok()) LogError("usage statistics lost: " + status.ToString());
}

void UsageStore::Add(const UsageSubject& subject, const UsageCounts& counts) {
  const KeyView key(HourOf(clock_()), CutUtf8(subject.key_id, kMaxTextBytes),
                    CutUtf8(subject.model, kMaxTextBytes), CutUtf8(subject.kind, kMaxTextBytes));
  const std::lock_guard<std::mutex> lock(mutex_);
  AddLocked(key, counts);
}

void UsageStore::AddLocked(const KeyView& key, const UsageCounts& counts) {
  auto found = pending_.find(key);
  if (found == pending_.end()) {
    const bool has_room = pending_.size() < limits_.max_pending;
    const Key kept = has_room ? Key(key)
                              : Key(std::get<0>(key), std::string(kOther), std::string(kOther),
                                    std::string(kOther));
    found = pending_.try_emplace(kept).first;
  }
  found->second += counts;
}

Status UsageStore::Flush() {
  const std::lock_guard<std::mutex> flush_lock(flush_mutex_);
  Pending pending;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending.swap(pending_);
  }
  if (pending.empty()) return OkStatus();
  Status status = Write(pending);
  if (!status.ok()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [key, counts] : pending) AddLocked(KeyView(key), counts);
  }
  return status;
}

Status UsageStore::Write(const Pending& pending) {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  for (const auto& [key, counts] : pending) {
    const auto& [hour, key_id, model, kind] = key;
    MAO_RETURN_IF_ERROR(transaction.Run(
        "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT DO UPDATE SET requests = requests + ?5, errors = errors + ?6,"
        " pages = pages + ?7, prompt_tokens = prompt_tokens + ?8,"
        " output_tokens = output_tokens + ?9, cached_tokens = cached_tokens + ?10,"
        " image_tokens = image_tokens + ?11, compute_ms = compute_ms + ?12",
        {hour, key_id, model, kind, counts.requests, counts.errors, counts.pages,
         counts.prompt_tokens, counts.output_tokens, counts.cached_tokens, counts.image_tokens,
         counts.compute_ms}));
  }
  return transaction.Commit();
}

Result<std::vector<UsageRow>> UsageStore::Query(const UsageQuery& query) {
  MAO_RETURN_IF_ERROR(Flush());
  const int64_t end_hour = query.to_ms <= 0 ? 0 : HourOf(query.to_ms - 1) + 1;
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Read());
  MAO_ASSIGN_OR_RETURN(
      Statement statement,
      transaction.Prepare(QueryText(query.group), {HourOf(query.from_ms), end_hour, query.key_id,
                                                   static_cast<int64_t>(limits_.max_rows) + 1}));
  std::vector<UsageRow> rows;
  while (true) {
    MAO_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return rows;
    if (rows.size() == limits_.max_rows) {
      return OutOfRangeError(fmt::format(
          "usage: more than the limit of {} rows; ask for a shorter time", limits_.max_rows));
    }
    rows.push_back(ReadRow(statement, query.group));
  }
}

Result<int64_t> UsageStore::DeleteOld() {
  MAO_ASSIGN_OR_RETURN(Transaction transaction, database_->Write(Durability::kProcessCrash));
  MAO_RETURN_IF_ERROR(transaction.Run("DELETE FROM usage WHERE hour < ?1",
                                      {HourOf(clock_() - limits_.retention_ms)}));
  const int64_t num_deleted = transaction.num_changes();
  MAO_RETURN_IF_ERROR(transaction.Commit());
  return num_deleted;
}

}  // namespace mao
