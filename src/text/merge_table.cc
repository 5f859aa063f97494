#include "text/merge_table.h"

#include <bit>
#include <utility>

namespace mao {

MergeTable::MergeTable(std::vector<MergeRule> rules) : rules_(std::move(rules)) {
  const size_t capacity = std::bit_ceil(rules_.size() * 2 + 2);
  slots_.assign(capacity, Entry{kEmpty, kNoRank});
  mask_ = capacity - 1;
  shift_ = 64 - std::countr_zero(capacity);
  for (size_t rank = 0; rank < rules_.size(); ++rank) {
    const uint64_t key = Key(rules_[rank].left, rules_[rank].right);
    size_t i = Slot(key);
    while (slots_[i].key != kEmpty && slots_[i].key != key) i = (i + 1) & mask_;
    slots_[i] = {key, static_cast<uint32_t>(rank)};
  }
}

}  // namespace mao
