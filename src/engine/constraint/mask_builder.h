// Which tokens a state of a Pushdown allows.
#ifndef MAOOCR_ENGINE_CONSTRAINT_MASK_BUILDER_H_
#define MAOOCR_ENGINE_CONSTRAINT_MASK_BUILDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/constraint/pushdown.h"
#include "engine/constraint/token_tree.h"

namespace mao {

// What an item allows whatever stands around the self-contained rule it is in: the tokens that end
// within that rule or with it, and the tree nodes at which the rule may have ended and tokens go on.
struct InsideMask {
  std::vector<uint64_t> bits;
  std::vector<uint32_t> exits;
};

// The masks that took long to find, shared by all requests with one constraint. Thread-safe.
class InsideMaskCache {
 public:
  using Key = std::vector<uint32_t>;
  static constexpr size_t kMaxBytes = size_t{32} << 20;  // beyond it everything is forgotten

  std::shared_ptr<const InsideMask> Find(const Key& key) const;
  void Insert(Key key, const std::shared_ptr<const InsideMask>& mask);

 private:
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const InsideMask>> masks_;
  size_t num_bytes_ = 0;
};

// For one request. Once the states of a text have been seen, no memory is taken.
class MaskBuilder {
 public:
  // All must outlive this. The cache must be of this grammar and vocabulary.
  MaskBuilder(Pushdown& pushdown, const ConstraintVocabulary& vocabulary, InsideMaskCache& cache);

  // Sets the bits of the tokens that keep the text a beginning of what is allowed; others are left
  // as they are. `first`: of the first token. Not reliable once pushdown.exhausted().
  void AddTokens(Pushdown::StateId state, bool first, std::span<uint64_t> bits);

  // To be called with Pushdown::Compact.
  void ForgetStates();

 private:
  // Walks the nodes below `root`, in `state` at it; appends to `exits`. Returns the nodes seen.
  size_t Walk(const TokenTree& tree, uint32_t root, Pushdown::StateId state,
              std::span<uint64_t> bits, std::vector<uint32_t>& exits);
  void WalkExits(const TokenTree& tree, std::span<const uint32_t> exits,
                 Pushdown::ContextId outside, std::span<uint64_t> bits);
  void AddItem(const TokenTree& tree, Pushdown::Item item, std::span<uint64_t> bits);
  std::shared_ptr<const InsideMask> FindOrMake(const TokenTree& tree, Pushdown::Item inside,
                                               Pushdown::ContextId outside,
                                               std::span<uint64_t> bits);

  Pushdown* pushdown_;
  const ConstraintVocabulary* vocabulary_;
  InsideMaskCache* cache_;
  // By item inside and tree; null: found quickly, so not kept.
  std::unordered_map<uint64_t, std::shared_ptr<const InsideMask>> inside_masks_;
  std::unordered_map<Pushdown::ContextId, Pushdown::StateId> states_after_;
  std::vector<Pushdown::StateId> path_;
  std::vector<uint32_t> exits_;
  std::vector<uint32_t> no_exits_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_MASK_BUILDER_H_
