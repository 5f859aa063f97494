// The merge rules of a BPE model: which pairs of tokens join, in what order, to what.
#ifndef MAOOCR_TEXT_MERGE_TABLE_H_
#define MAOOCR_TEXT_MERGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/token_id.h"

namespace mao {

// Two tokens that may join; rules are kept in order of their rank, the lowest joins first.
struct MergeRule {
  TokenId left;
  TokenId right;
  TokenId result;
};

// From a pair to the rank of its rule: open addressing over one flat array, because encoding does
// little else than asking it.
class MergeTable {
 public:
  static constexpr uint32_t kNoRank = UINT32_MAX;

  // A pair given twice has the rank of its last rule, as in Hugging Face tokenizers.
  explicit MergeTable(std::vector<MergeRule> rules);

  uint32_t Rank(TokenId left, TokenId right) const {
    const uint64_t key = Key(left, right);
    for (size_t i = Slot(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].rank;
      if (slots_[i].key == kEmpty) return kNoRank;
    }
  }
  TokenId ResultOf(uint32_t rank) const { return rules_[rank].result; }
  const std::vector<MergeRule>& rules() const { return rules_; }

 private:
  struct Entry {
    uint64_t key;
    uint32_t rank;
  };
  static constexpr uint64_t kEmpty = UINT64_MAX;  // no pair: ids are never negative

  static uint64_t Key(TokenId left, TokenId right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
  }
  size_t Slot(uint64_t key) const {
    key ^= key >> 29;
    key *= 0x9E3779B97F4A7C15u;
    return static_cast<size_t>(key >> shift_);
  }

  std::vector<MergeRule> rules_;
  std::vector<Entry> slots_;
  size_t mask_ = 0;
  int shift_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_MERGE_TABLE_H_
