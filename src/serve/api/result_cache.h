// Answers to requests that were asked before, byte for byte.
#ifndef MAOOCR_SERVE_API_RESULT_CACHE_H_
#define MAOOCR_SERVE_API_RESULT_CACHE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "serve/api/generation.h"

namespace mao {

// SHA-256 over everything an answer depends on.
using ResultKey = std::array<uint8_t, 32>;

// The key of a request to `model`; nullopt if its answer is not always the same (sampling without a
// seed) or is not kept (log-probabilities). `image` is the file's bytes, empty without one.
std::optional<ResultKey> MakeResultKey(const GenerationRequest& request, std::string_view model,
                                       std::string_view image);

// Least recently used goes first. Thread-safe.
class ResultCache {
 public:
  struct Limits {
    size_t max_bytes = size_t{64} << 20;  // of texts and ids; 0: keeps nothing
    std::chrono::seconds max_age{3600};
  };
  struct Stats {
    uint64_t num_queries = 0;
    uint64_t num_hits = 0;
    size_t num_entries = 0;
    size_t bytes = 0;
  };
  using Clock = std::chrono::steady_clock;

  explicit ResultCache(const Limits& limits) : limits_(limits) {}

  // Null: not there, or too old at `now`.
  std::shared_ptr<const Generation> Find(const ResultKey& key, Clock::time_point now);
  // Find for requests that will look again: only what is there counts as a query.
  std::shared_ptr<const Generation> FindEarly(const ResultKey& key, Clock::time_point now);
  void Insert(const ResultKey& key, const Generation& answer, Clock::time_point now);
  Stats stats() const;

 private:
  struct Entry {
    ResultKey key;
    std::shared_ptr<const Generation> answer;
    size_t bytes;
    Clock::time_point inserted;
  };
  using Entries = std::list<Entry>;

  // Under the lock.
  std::shared_ptr<const Generation> FindLocked(const ResultKey& key, Clock::time_point now);
  void Remove(Entries::iterator entry);

  const Limits limits_;
  mutable std::mutex mutex_;
  Entries entries_;  // most recently used first
  std::map<ResultKey, Entries::iterator> index_;
  Stats stats_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_RESULT_CACHE_H_
