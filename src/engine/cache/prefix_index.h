// Hash -> block, for full blocks whose entries are known to be written.
#ifndef MAOOCR_ENGINE_CACHE_PREFIX_INDEX_H_
#define MAOOCR_ENGINE_CACHE_PREFIX_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/cache/block_hasher.h"
#include "engine/cache/ids.h"

namespace mao {

// Open addressing with linear probing in an array allocated once: steps insert and erase all the
// time and must not allocate. At most half full.
class PrefixIndex {
 public:
  // Holds up to max_entries.
  explicit PrefixIndex(size_t max_entries);

  std::optional<BlockId> Find(const BlockHash& hash) const;
  // False, and nothing changes, when the hash is there already.
  bool Insert(const BlockHash& hash, BlockId block);
  // Does nothing when the hash is not there.
  void Erase(const BlockHash& hash);
  size_t size() const { return size_; }

 private:
  struct Slot {
    BlockHash hash;
    uint32_t block = kEmpty;
  };
  static constexpr uint32_t kEmpty = UINT32_MAX;

  size_t HomeOf(const BlockHash& hash) const;
  // The slot that holds the hash, or the empty one where it belongs.
  size_t SlotOf(const BlockHash& hash) const;

  std::vector<Slot> slots_;
  size_t mask_;
  size_t size_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_PREFIX_INDEX_H_
