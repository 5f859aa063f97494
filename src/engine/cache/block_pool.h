// The blocks of the paged key/value cache: who holds them, in which order the unheld are evicted,
// and which contents can be found again. docs/engine_contract.md, "Block ownership".
#ifndef MAOOCR_ENGINE_CACHE_BLOCK_POOL_H_
#define MAOOCR_ENGINE_CACHE_BLOCK_POOL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/cache/block_hasher.h"
#include "engine/cache/ids.h"
#include "engine/cache/prefix_index.h"

namespace mao {

// All records are allocated at construction. A block is held (reference count above zero) or on the
// free list. A free block keeps its contents, and its place in the index, until it is evicted from
// the front of the list for a new owner; until then Touch revives it.
class BlockPool {
 public:
  explicit BlockPool(uint32_t num_blocks);

  uint32_t num_blocks() const { return static_cast<uint32_t>(blocks_.size()); }
  uint32_t num_free_blocks() const { return num_free_; }
  uint32_t num_used_blocks() const { return num_blocks() - num_free_; }
  uint32_t num_indexed_blocks() const { return static_cast<uint32_t>(index_.size()); }
  uint64_t num_evictions() const { return num_evictions_; }
  uint32_t ref_count(BlockId id) const { return blocks_[ToIndex(id)].ref_count; }

  // The block that holds these contents, held or free.
  std::optional<BlockId> Find(const BlockHash& hash) const { return index_.Find(hash); }
  // The hash under which the block is indexed.
  std::optional<BlockHash> IndexedHash(BlockId id) const;
  // The free blocks, next to be evicted first. Allocates: for inspection only.
  std::vector<BlockId> EvictionOrder() const;

  // Appends `count` blocks with one reference each to *table and forgets what they held. All or
  // nothing: false when fewer are free.
  [[nodiscard]] bool Allocate(uint32_t count, std::vector<BlockId>* table);

  // One more reference to each block; free ones leave the free list with their contents.
  void Touch(std::span<const BlockId> ids);

  // One reference less to each block of a table, the last first: the end of a sequence is shared by
  // fewer than its beginning, so it is to be evicted earlier. Blocks out of the index have nothing
  // to lose and go before all others.
  void Free(std::span<const BlockId> table);

  // Indexes a held block under the hash of its contents. When other blocks hold the same already,
  // they stay the ones to be found: tables only append, so duplicates are tolerated, not merged.
  void Publish(BlockId id, const BlockHash& hash);

 private:
  struct Block {
    uint32_t previous = 0;  // of the free list; only while ref_count is 0
    uint32_t next = 0;
    uint32_t ref_count = 0;
    bool is_indexed = false;
    BlockHash hash;  // only while is_indexed
  };

  // The list is circular through a record that is no block, so that no end is a special case.
  uint32_t sentinel() const { return num_blocks(); }
  uint32_t& PreviousOf(uint32_t i) { return i == sentinel() ? tail_ : blocks_[i].previous; }
  uint32_t& NextOf(uint32_t i) { return i == sentinel() ? head_ : blocks_[i].next; }
  void LinkBefore(uint32_t i, uint32_t next);
  void Unlink(uint32_t i);

  std::vector<Block> blocks_;
  PrefixIndex index_;
  uint32_t head_;
  uint32_t tail_;
  uint32_t num_free_ = 0;
  uint64_t num_evictions_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_BLOCK_POOL_H_
