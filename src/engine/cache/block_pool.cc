#include "engine/cache/block_pool.h"

namespace mao {

BlockPool::BlockPool(uint32_t num_blocks)
    : blocks_(num_blocks), index_(num_blocks), head_(num_blocks), tail_(num_blocks) {
  for (uint32_t i = 0; i < num_blocks; ++i) LinkBefore(i, sentinel());
}

std::optional<BlockHash> BlockPool::IndexedHash(BlockId id) const {
  const Block& block = blocks_[ToIndex(id)];
  if (!block.is_indexed) return std::nullopt;
  return block.hash;
}

std::vector<BlockId> BlockPool::EvictionOrder() const {
  std::vector<BlockId> order;
  for (uint32_t i = head_; i != sentinel(); i = blocks_[i].next) order.push_back(BlockId{i});
  return order;
}

bool BlockPool::Allocate(uint32_t count, std::vector<BlockId>* table) {
  if (count > num_free_) return false;
  for (; count > 0; --count) {
    const uint32_t i = head_;
    Block& block = blocks_[i];
    Unlink(i);
    block.ref_count = 1;
    if (block.is_indexed) {
      index_.Erase(block.hash);
      block.is_indexed = false;
      ++num_evictions_;
    }
    table->push_back(BlockId{i});
  }
  return true;
}

void BlockPool::Touch(std::span<const BlockId> ids) {
  for (const BlockId id : ids) {
    Block& block = blocks_[ToIndex(id)];
    if (block.ref_count++ == 0) Unlink(ToIndex(id));
  }
}

void BlockPool::Free(std::span<const BlockId> table) {
  for (size_t k = table.size(); k-- > 0;) {
    const uint32_t i = ToIndex(table[k]);
    if (--blocks_[i].ref_count == 0) LinkBefore(i, blocks_[i].is_indexed ? sentinel() : head_);
  }
}

void BlockPool::Publish(BlockId id, const BlockHash& hash) {
  Block& block = blocks_[ToIndex(id)];
  if (block.is_indexed || !index_.Insert(hash, id)) return;
  block.is_indexed = true;
  block.hash = hash;
}

void BlockPool::LinkBefore(uint32_t i, uint32_t next) {
  const uint32_t previous = PreviousOf(next);
  blocks_[i].previous = previous;
  blocks_[i].next = next;
  NextOf(previous) = i;
  PreviousOf(next) = i;
  ++num_free_;
}

void BlockPool::Unlink(uint32_t i) {
  NextOf(blocks_[i].previous) = blocks_[i].next;
  PreviousOf(blocks_[i].next) = blocks_[i].previous;
  --num_free_;
}

}  // namespace mao
