#include "engine/cache/prefix_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mao {

PrefixIndex::PrefixIndex(size_t max_entries)
    : slots_(std::bit_ceil(std::max<size_t>(2 * max_entries, 2))), mask_(slots_.size() - 1) {}

std::optional<BlockId> PrefixIndex::Find(const BlockHash& hash) const {
  const Slot& slot = slots_[SlotOf(hash)];
  if (slot.block == kEmpty) return std::nullopt;
  return BlockId{slot.block};
}

bool PrefixIndex::Insert(const BlockHash& hash, BlockId block) {
  Slot& slot = slots_[SlotOf(hash)];
  if (slot.block != kEmpty) return false;
  slot = {hash, ToIndex(block)};
  ++size_;
  return true;
}

void PrefixIndex::Erase(const BlockHash& hash) {
  size_t hole = SlotOf(hash);
  if (slots_[hole].block == kEmpty) return;
  --size_;
  // Move later members of the run back into the hole wherever that keeps them reachable from home;
  // this leaves no tombstones to pile up.
  for (size_t i = (hole + 1) & mask_; slots_[i].block != kEmpty; i = (i + 1) & mask_) {
    const size_t distance_from_home = (i - HomeOf(slots_[i].hash)) & mask_;
    const size_t distance_from_hole = (i - hole) & mask_;
    if (distance_from_home >= distance_from_hole) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole].block = kEmpty;
}

size_t PrefixIndex::HomeOf(const BlockHash& hash) const {
  uint64_t prefix;  // any bits of a SHA-256 are as good as a hash of it
  std::memcpy(&prefix, hash.bytes.data(), sizeof(prefix));
  return static_cast<size_t>(prefix) & mask_;
}

size_t PrefixIndex::SlotOf(const BlockHash& hash) const {
  size_t i = HomeOf(hash);
  while (slots_[i].block != kEmpty && !(slots_[i].hash == hash)) i = (i + 1) & mask_;
  return i;
}

}  // namespace mao
