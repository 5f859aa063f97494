// Who used what: requests, pages, tokens and time by hour, API key, model and kind of request.
#ifndef MAOOCR_SERVE_STORE_USAGE_STORE_H_
#define MAOOCR_SERVE_STORE_USAGE_STORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "serve/store/clock.h"

namespace mao {

class Database;

// For Database::Options::migrations of usage.db.
std::span<const std::string_view> UsageMigrations();

struct UsageLimits {
  size_t max_pending =
      10'000;                // kinds of counts between two flushes; further ones become "(other)"
  size_t max_rows = 10'000;  // of an answer
  int64_t retention_ms = int64_t{400} * 24 * 3600 * 1000;
};

struct UsageCounts {
  int64_t requests = 0;
  int64_t errors = 0;
  int64_t pages = 0;
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t image_tokens = 0;
  int64_t compute_ms = 0;

  UsageCounts& operator+=(const UsageCounts& other);
};

// Whom and what to count for. Above 128 bytes a text is cut.
struct UsageSubject {
  std::string_view key_id;
  std::string_view model;
  std::string_view kind;  // the strategy: "ocr", "chat", …
};

enum class UsageGroup { kKey, kModel, kKind, kDay, kHour };

struct UsageQuery {
  int64_t from_ms = 0;  // every hour that [from_ms, to_ms) touches, in UTC
  int64_t to_ms = 0;
  UsageGroup group = UsageGroup::kDay;
  std::string key_id;  // empty: all keys
};

struct UsageRow {
  std::string name;      // of the key, model or kind; empty for days and hours
  int64_t begin_ms = 0;  // of the day (UTC) or hour; 0 for others
  UsageCounts counts;
};

// Thread-safe. Add counts in memory; whoever owns the store calls Flush once a second. A process
// that dies loses what was added since the last Flush; a power failure may take some flushes more,
// since these are not synced: statistics are not worth a sync a second.
class UsageStore {
 public:
  // `database` must outlive the store.
  UsageStore(Database* database, UsageLimits limits, UtcClock clock);
  ~UsageStore();  // flushes
  UsageStore(const UsageStore&) = delete;
  UsageStore& operator=(const UsageStore&) = delete;

  // Negative counts are taken as 0.
  void Add(const UsageSubject& subject, const UsageCounts& counts);

  // After an error the counts are still there for the next Flush.
  Status Flush();

  // What was added so far, ascending by name or time. OutOfRange: more rows than max_rows.
  Result<std::vector<UsageRow>> Query(const UsageQuery& query);

  // Deletes hours older than retention_ms; returns how many rows.
  Result<int64_t> DeleteOld();

 private:
  using Key = std::tuple<int64_t, std::string, std::string, std::string>;  // hour and subject
  using KeyView = std::tuple<int64_t, std::string_view, std::string_view, std::string_view>;
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const KeyView& key) const;
    size_t operator()(const Key& key) const;
  };
  struct KeyEqual {
    using is_transparent = void;
    template <typename Left, typename Right>
    bool operator()(const Left& left, const Right& right) const {
      return left == right;
    }
  };
  using Pending = std::unordered_map<Key, UsageCounts, KeyHash, KeyEqual>;

  void AddLocked(const KeyView& key, const UsageCounts& counts);
  Status Write(const Pending& pending);

  Database* const database_;
  const UsageLimits limits_;
  const UtcClock clock_;
  std::mutex flush_mutex_;  // one flush at a time; locked before mutex_
  std::mutex mutex_;        // guards pending_
  Pending pending_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_USAGE_STORE_H_
