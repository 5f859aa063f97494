// Which images' embeddings are in the runner's encoder store or on their way there, and which may
// make room.
// docs/engine_contract.md, "Encoder entries".
#ifndef MAOOCR_ENGINE_CACHE_ENCODER_CACHE_MANAGER_H_
#define MAOOCR_ENGINE_CACHE_ENCODER_CACHE_MANAGER_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "engine/cache/request_content.h"

namespace mao {

// The rows belong to the key: whatever a caller claims about an image, no request can come to read
// beyond the end of an entry that another one made.
struct EncoderKey {
  ImageFingerprint fingerprint;
  uint32_t num_rows = 0;

  friend bool operator==(const EncoderKey&, const EncoderKey&) = default;
};

inline EncoderKey KeyOf(const ImageSpan& span) { return {span.fingerprint, span.length}; }

struct EncoderCacheStats {
  uint64_t num_hits = 0;    // images that were there, or being encoded, when a request came to them
  uint64_t num_misses = 0;  // images given to be encoded
  uint64_t num_used_rows = 0;
  uint64_t capacity_rows = 0;
};

// Bookkeeping only; the embeddings are the runner's. An entry is made when its image is given to be
// encoded and is ready when that has ended; in between the encoding holds a reference of its own. An
// entry without references stays, to be found by the next request with the same image, until room
// is needed: first freed, first evicted.
class EncoderCacheManager {
 public:
  explicit EncoderCacheManager(uint64_t capacity_rows) : capacity_rows_(capacity_rows) {}

  bool Contains(const EncoderKey& key) const { return entries_.contains(key); }
  // Whether the embeddings can be read.
  bool IsReady(const EncoderKey& key) const;
  // Whether the entry is there and its encoding has not ended.
  bool IsEncoding(const EncoderKey& key) const;
  size_t num_encoding() const { return num_encoding_; }
  // That of an encoding included. 0 also when the entry is not there.
  uint32_t num_references(const EncoderKey& key) const;
  // Rows that an Insert can have: the unused ones and those of entries without references.
  uint64_t num_reclaimable_rows() const { return capacity_rows_ - num_held_rows_; }
  uint64_t num_used_rows() const { return num_held_rows_ + num_freeable_rows_; }
  size_t num_entries() const { return entries_.size(); }
  EncoderCacheStats Stats() const;

  // One more reference to an entry that is there.
  void Acquire(const EncoderKey& key);

  // Makes an entry that is to be encoded, with one reference of the caller's and one of the
  // encoding: the key is not there and has at most num_reclaimable_rows(). Evicts entries without
  // references as far as needed and appends them to *evicted.
  void Insert(const EncoderKey& key, std::vector<EncoderKey>* evicted);

  // One reference less. Only after the last step that reads the entry for this reference has
  // completed: without references it may be evicted by the next plan.
  void Release(const EncoderKey& key);

  // The encoding has ended well: its reference goes and the entry can be read.
  void MarkReady(const EncoderKey& key);

  // The encoding has failed: the entry goes. Nobody else references it any more.
  void Discard(const EncoderKey& key);

 private:
  struct KeyHash {
    size_t operator()(const EncoderKey& key) const;
  };
  struct Entry {
    uint32_t num_references = 0;
    bool is_ready = false;
    std::list<EncoderKey>::iterator position;  // in freeable_; only without references
  };
  using EntryMap = std::unordered_map<EncoderKey, Entry, KeyHash>;

  void Evict(EntryMap::iterator entry, std::vector<EncoderKey>* evicted);

  uint64_t capacity_rows_;
  uint64_t num_held_rows_ = 0;
  uint64_t num_freeable_rows_ = 0;
  size_t num_encoding_ = 0;
  EntryMap entries_;
  std::list<EncoderKey> freeable_;  // in order of eviction
  uint64_t num_hits_ = 0;
  uint64_t num_misses_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_ENCODER_CACHE_MANAGER_H_
