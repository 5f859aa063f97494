#include "engine/constraint/mask_builder.h"

#include <algorithm>
#include <utility>

namespace mao {
namespace {

// Walks of fewer nodes are repeated rather than kept: a mask takes 16 KB and as long to copy.
constexpr size_t kNodesWorthKeeping = 2048;

void SetBit(TokenId id, std::span<uint64_t> bits) {
  const auto word = static_cast<size_t>(id) / 64;
  if (word < bits.size()) bits[word] |= uint64_t{1} << (id % 64);
}

}  // namespace

std::shared_ptr<const InsideMask> InsideMaskCache::Find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = masks_.find(key);
  return it == masks_.end() ? nullptr : it->second;
}

void InsideMaskCache::Insert(Key key, const std::shared_ptr<const InsideMask>& mask) {
  const size_t size =
      sizeof(uint64_t) * mask->bits.size() + sizeof(uint32_t) * (mask->exits.size() + key.size());
  const std::lock_guard lock(mutex_);
  if (num_bytes_ + size > kMaxBytes) {
    masks_.clear();
    num_bytes_ = 0;
  }
  if (masks_.try_emplace(std::move(key), mask).second) num_bytes_ += size;
}

MaskBuilder::MaskBuilder(Pushdown& pushdown, const ConstraintVocabulary& vocabulary,
                         InsideMaskCache& cache)
    : pushdown_(&pushdown),
      vocabulary_(&vocabulary),
      cache_(&cache),
      path_(std::max(vocabulary.first->max_depth(), vocabulary.later->max_depth()) + 1) {}

void MaskBuilder::ForgetStates() {
  inside_masks_.clear();
  states_after_.clear();
}

void MaskBuilder::AddTokens(Pushdown::StateId state, bool first, std::span<uint64_t> bits) {
  const TokenTree& tree = first ? *vocabulary_->first : *vocabulary_->later;
  // By index: looking at an item may make states, which moves the items of all.
  for (size_t i = 0; i < pushdown_->items(state).size(); ++i) {
    const Pushdown::Item item = pushdown_->items(state)[i];
    if (item.node != Grammar::kEndNode) AddItem(tree, item, bits);
    if (pushdown_->exhausted()) return;
  }
}

void MaskBuilder::AddItem(const TokenTree& tree, Pushdown::Item item, std::span<uint64_t> bits) {
  const Pushdown::Parts parts = pushdown_->Separate(item.context);
  if (!parts.separable) {
    Walk(tree, 0, pushdown_->StateOf(item), bits, no_exits_);
    return;
  }
  const Pushdown::Item inside = {item.node, parts.inside};
  const std::shared_ptr<const InsideMask> mask = FindOrMake(tree, inside, parts.outside, bits);
  if (mask == nullptr) return;
  pushdown_->Spend(static_cast<int64_t>(bits.size()));
  for (size_t i = 0; i < std::min(bits.size(), mask->bits.size()); ++i) bits[i] |= mask->bits[i];
  WalkExits(tree, mask->exits, parts.outside, bits);
}

// Null if the tokens have been added to `bits` already.
std::shared_ptr<const InsideMask> MaskBuilder::FindOrMake(const TokenTree& tree,
                                                          Pushdown::Item inside,
                                                          Pushdown::ContextId outside,
                                                          std::span<uint64_t> bits) {
  const bool is_first_tree = &tree != vocabulary_->later.get();
  const uint64_t id =
      (uint64_t{inside.context} << 32) | (inside.node << 1) | (is_first_tree ? 1 : 0);
  const auto known = inside_masks_.find(id);
  if (known != inside_masks_.end() && known->second != nullptr) return known->second;
  InsideMaskCache::Key key = {is_first_tree ? 1U : 0U};
  const bool is_new = known == inside_masks_.end();
  const bool has_key = is_new && pushdown_->AppendKey(inside, key);
  if (has_key) {
    if (auto mask = cache_->Find(key)) return inside_masks_[id] = std::move(mask);
  }
  const Pushdown::StateId state = pushdown_->StateOf(inside);
  if (is_new) {
    auto mask = std::make_shared<InsideMask>();
    mask->bits.resize(bits.size());
    if (Walk(tree, 0, state, mask->bits, mask->exits) >= kNodesWorthKeeping &&
        !pushdown_->exhausted()) {
      if (has_key) cache_->Insert(std::move(key), mask);
      return inside_masks_[id] = std::move(mask);
    }
    inside_masks_[id] = nullptr;
    for (size_t i = 0; i < bits.size(); ++i) bits[i] |= mask->bits[i];
    WalkExits(tree, mask->exits, outside, bits);
    return nullptr;
  }
  exits_.clear();
  Walk(tree, 0, state, bits, exits_);
  WalkExits(tree, exits_, outside, bits);
  return nullptr;
}

void MaskBuilder::WalkExits(const TokenTree& tree, std::span<const uint32_t> exits,
                            Pushdown::ContextId outside, std::span<uint64_t> bits) {
  if (exits.empty()) return;
  const auto [it, is_new] = states_after_.try_emplace(outside, Pushdown::kDead);
  if (is_new) it->second = pushdown_->StateAfter(outside);
  const Pushdown::StateId state = it->second;
  for (const uint32_t exit : exits) {
    Walk(tree, exit, state, bits, no_exits_);
    if (pushdown_->exhausted()) return;
  }
}

size_t MaskBuilder::Walk(const TokenTree& tree, uint32_t root, Pushdown::StateId state,
                         std::span<uint64_t> bits, std::vector<uint32_t>& exits) {
  size_t num_seen = 0;
  const uint32_t end = tree.end(root);
  path_[tree.depth(root)] = state;
  for (uint32_t node = root + 1; node < end;) {
    ++num_seen;
    const uint32_t depth = tree.depth(node);
    const Pushdown::StateId next = pushdown_->Step(path_[depth - 1], tree.byte(node));
    if (next == Pushdown::kDead) {
      node = tree.end(node);
      continue;
    }
    for (const TokenId id : tree.tokens(node)) SetBit(id, bits);
    if (pushdown_->IsExit(next) && tree.end(node) > node + 1) exits.push_back(node);
    path_[depth] = next;
    node = pushdown_->CanContinue(next) ? node + 1 : tree.end(node);
  }
  pushdown_->Spend(static_cast<int64_t>(num_seen));
  return num_seen;
}

}  // namespace mao
