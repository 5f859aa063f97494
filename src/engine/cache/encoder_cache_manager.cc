#include "engine/cache/encoder_cache_manager.h"

#include <cassert>
#include <cstring>

namespace mao {

size_t EncoderCacheManager::KeyHash::operator()(const EncoderKey& key) const {
  uint64_t prefix;  // any bits of a SHA-256 are as good as a hash of it
  std::memcpy(&prefix, key.fingerprint.bytes.data(), sizeof(prefix));
  return static_cast<size_t>(prefix);
}

bool EncoderCacheManager::IsReady(const EncoderKey& key) const {
  const auto entry = entries_.find(key);
  return entry != entries_.end() && entry->second.is_ready;
}

bool EncoderCacheManager::IsEncoding(const EncoderKey& key) const {
  const auto entry = entries_.find(key);
  return entry != entries_.end() && !entry->second.is_ready;
}

uint32_t EncoderCacheManager::num_references(const EncoderKey& key) const {
  const auto entry = entries_.find(key);
  return entry == entries_.end() ? 0 : entry->second.num_references;
}

EncoderCacheStats EncoderCacheManager::Stats() const {
  return {.num_hits = num_hits_,
          .num_misses = num_misses_,
          .num_used_rows = num_used_rows(),
          .capacity_rows = capacity_rows_};
}

void EncoderCacheManager::Acquire(const EncoderKey& key) {
  const auto found = entries_.find(key);
  assert(found != entries_.end());
  Entry& entry = found->second;
  if (entry.num_references++ == 0) {
    freeable_.erase(entry.position);
    num_freeable_rows_ -= key.num_rows;
    num_held_rows_ += key.num_rows;
  }
  ++num_hits_;
}

void EncoderCacheManager::Insert(const EncoderKey& key, std::vector<EncoderKey>* evicted) {
  assert(!Contains(key) && key.num_rows <= num_reclaimable_rows());
  while (num_used_rows() + key.num_rows > capacity_rows_) {
    Evict(entries_.find(freeable_.front()), evicted);
  }
  entries_.emplace(key, Entry{.num_references = 2, .position = freeable_.end()});
  num_held_rows_ += key.num_rows;
  ++num_encoding_;
  ++num_misses_;
}

void EncoderCacheManager::Release(const EncoderKey& key) {
  const auto found = entries_.find(key);
  assert(found != entries_.end() && found->second.num_references > 0);
  Entry& entry = found->second;
  if (--entry.num_references == 0) {
    entry.position = freeable_.insert(freeable_.end(), key);
    num_held_rows_ -= key.num_rows;
    num_freeable_rows_ += key.num_rows;
  }
}

void EncoderCacheManager::MarkReady(const EncoderKey& key) {
  assert(IsEncoding(key));
  entries_.find(key)->second.is_ready = true;
  --num_encoding_;
  Release(key);
}

void EncoderCacheManager::Discard(const EncoderKey& key) {
  assert(IsEncoding(key) && num_references(key) == 1);
  entries_.erase(key);
  num_held_rows_ -= key.num_rows;
  --num_encoding_;
}

void EncoderCacheManager::Evict(EntryMap::iterator entry, std::vector<EncoderKey>* evicted) {
  evicted->push_back(entry->first);
  num_freeable_rows_ -= entry->first.num_rows;
  freeable_.erase(entry->second.position);
  entries_.erase(entry);
}

}  // namespace mao
