#include "engine/constraint/pushdown.h"

#include <algorithm>
#include <utility>

namespace mao {

using NodeKind = Grammar::NodeKind;

namespace {

constexpr size_t kMaxStates = 4 * Pushdown::kManyStates;
constexpr size_t kMaxElements = 4 * Pushdown::kManyElements;
constexpr size_t kMaxKeyWords = 1024;

}  // namespace

void Pushdown::SeenItems::Clear() {
  size_ = 0;
  if (++stamp_ == 0) {
    std::fill(stamps_.begin(), stamps_.end(), 0);
    stamp_ = 1;
  }
}

bool Pushdown::SeenItems::Insert(Item item) {
  if (2 * size_ >= keys_.size()) {
    std::vector<Item> old_keys(2 * keys_.size());
    std::vector<uint32_t> old_stamps(old_keys.size());
    old_keys.swap(keys_);
    old_stamps.swap(stamps_);
    const uint32_t old_stamp = std::exchange(stamp_, 1);
    size_ = 0;
    for (size_t i = 0; i < old_keys.size(); ++i) {
      if (old_stamps[i] == old_stamp) Insert(old_keys[i]);
    }
  }
  const uint64_t key = (uint64_t{item.node} << 32) | item.context;
  const size_t mask = keys_.size() - 1;
  size_t slot = ((key * 0x9E3779B97F4A7C15U) >> 32) & mask;
  for (; stamps_[slot] == stamp_; slot = (slot + 1) & mask) {
    if (keys_[slot] == item) return false;
  }
  stamps_[slot] = stamp_;
  keys_[slot] = item;
  ++size_;
  return true;
}

Pushdown::Pushdown(const Grammar& grammar, uint32_t lookahead)
    : grammar_(&grammar), lookahead_(lookahead) {
  const Return to_end = {Grammar::kEndNode, 0, kTextContext};
  const Return to_exit = {Grammar::kExitNode, 0, kUnknownContext};
  contexts_.Intern({&to_end, 1});
  contexts_.Intern({&to_exit, 1});
  context_facts_ = {{0, kTextContext, kTextContext}, {0, kUnknownContext, kUnknownContext}};
  InternState({});  // kDead
  open_.push_back({grammar.root, kTextContext});
  start_ = Expand();
}

Pushdown::ContextId Pushdown::InternContext(std::span<const Return> returns, bool self_contained) {
  const ContextId id = contexts_.Intern(returns, self_contained);
  if (id < context_facts_.size()) return id;
  ContextFacts facts = {0, context_facts_[returns[0].context].outside, kNoContext};
  for (const Return& to : returns) {
    const ContextFacts& of = context_facts_[to.context];
    facts.depth = std::max(facts.depth, of.depth);
    if (of.outside != facts.outside) facts.outside = kNoContext;
  }
  ++facts.depth;
  if (self_contained) facts.outside = id;
  context_facts_.push_back(facts);
  return id;
}

Pushdown::StateId Pushdown::InternState(std::span<const Item> items) {
  const StateId id = states_.Intern(items);
  if (id < facts_.size()) return id;
  budget_ -= kUnitsPerState;
  StateFacts facts = {false, false, false};
  for (const Item& item : items) {
    facts.complete |= item.node == Grammar::kEndNode;
    facts.exit |= item.node == Grammar::kExitNode;
    facts.can_continue |= item.node != Grammar::kEndNode && item.node != Grammar::kExitNode;
  }
  facts_.push_back(facts);
  transitions_.emplace_back().fill(id == kDead ? kDead : kUnknownState);
  return id;
}

Pushdown::StateId Pushdown::Step(StateId state, uint8_t byte) {
  const StateId known = transitions_[state][byte];
  if (known != kUnknownState) return known;
  if (budget_ < 0 || states_.size() >= kMaxStates || states_.num_elements() >= kMaxElements ||
      contexts_.num_elements() >= kMaxElements) {
    exhausted_ = true;
    return kDead;
  }
  for (const Item& item : states_[state]) {
    const Grammar::Node& node = grammar_->nodes[item.node];
    if (node.kind != NodeKind::kBytes) continue;
    for (uint32_t i = 0; i < node.count; ++i) {
      const Grammar::Edge& edge = grammar_->edges[node.first + i];
      if (edge.first <= byte && byte <= edge.last) open_.push_back({edge.target, item.context});
    }
  }
  const StateId next = Expand();
  transitions_[state][byte] = next;
  return next;
}

// The state of all that can be reached from open_ without a byte.
Pushdown::StateId Pushdown::Expand() {
  seen_.Clear();
  items_.clear();
  while (!open_.empty()) {
    while (!open_.empty()) {
      const Item item = open_.back();
      open_.pop_back();
      Visit(item);
    }
    MakeCalls();
  }
  std::sort(items_.begin(), items_.end());
  return InternState(items_);
}

void Pushdown::Visit(Item item) {
  budget_ -= kUnitsPerItem;
  if (context_facts_[item.context].depth + grammar_->calls_needed[item.node] >
      GrammarBuilder::kMaxOpenCalls) {
    return;
  }
  if (!seen_.Insert(item)) return;
  const Grammar::Node& node = grammar_->nodes[item.node];
  switch (node.kind) {
    case NodeKind::kEnd:
    case NodeKind::kExit:
    case NodeKind::kBytes:
      items_.push_back(item);
      break;
    case NodeKind::kAccept:
      for (const Return& to : contexts_[item.context]) TakeReturn(to);
      break;
    case NodeKind::kSplit:
      for (uint32_t i = 0; i < node.count; ++i) {
        open_.push_back({grammar_->targets[node.first + i], item.context});
      }
      break;
    case NodeKind::kCall:
      Call(node.first, {node.next, 0, item.context}, node.next == Grammar::kAcceptNode);
      break;
    case NodeKind::kRepeat:
      Repeat(item.node, 0, item.context);
      break;
  }
}

void Pushdown::TakeReturn(const Return& to) {
  if (to.count > 0) {
    Repeat(to.node, to.count, to.context);
  } else {
    open_.push_back({to.node, to.context});
  }
}

void Pushdown::Repeat(NodeId id, uint32_t count, ContextId context) {
  const Grammar::Node& node = grammar_->nodes[id];
  if (count >= node.min) open_.push_back({node.next, context});
  if (count >= node.max) return;
  // Without an upper limit, counts from `min` on are the same.
  const uint32_t most = node.max == Grammar::kUnbounded ? std::max(node.min, 1U) : node.max;
  Call(node.first, {id, std::min(count + 1, most), context}, false);
}

void Pushdown::Call(RuleId rule, const Return& to, bool is_last) {
  const uint16_t needed = grammar_->calls_needed[grammar_->rules[rule].entry];
  if (context_facts_[to.context].depth + 1 + needed > GrammarBuilder::kMaxOpenCalls) return;
  calls_.push_back({rule, to, is_last});
}

void Pushdown::MakeCalls() {
  std::sort(calls_.begin(), calls_.end());
  for (size_t i = 0; i < calls_.size();) {
    const RuleId rule = calls_[i].rule;
    returns_.clear();
    for (; i < calls_.size() && calls_[i].rule == rule; ++i) {
      budget_ -= kUnitsPerItem;
      if (calls_[i].is_last) {
        const std::span<const Return> of_caller = contexts_[calls_[i].to.context];
        returns_.insert(returns_.end(), of_caller.begin(), of_caller.end());
      } else {
        returns_.push_back(calls_[i].to);
      }
    }
    std::sort(returns_.begin(), returns_.end());
    returns_.erase(std::unique(returns_.begin(), returns_.end()), returns_.end());
    const Grammar::Rule& called = grammar_->rules[rule];
    open_.push_back({called.entry, InternContext(returns_, called.self_contained)});
  }
  calls_.clear();
}

// A count that allows the same within the next lookahead_ bytes. A repetition takes at least one.
uint32_t Pushdown::Clamped(const Return& to) const {
  if (to.count == 0) return 0;
  const Grammar::Node& node = grammar_->nodes[to.node];
  if (to.count < node.min) {
    return node.min - to.count > lookahead_ ? node.min - lookahead_ - 1 : to.count;
  }
  return node.max - to.count > lookahead_ ? std::max(node.min, 1U) : to.count;
}

Pushdown::ContextId Pushdown::InsideOf(ContextId context) {
  if (context_facts_[context].inside != kNoContext) return context_facts_[context].inside;
  ContextId inside = kUnknownContext;
  if (!contexts_.tag(context)) {
    std::vector<Return> returns;
    for (size_t i = 0; i < contexts_[context].size(); ++i) {
      const Return to = contexts_[context][i];
      returns.push_back({to.node, Clamped(to), InsideOf(to.context)});
    }
    std::sort(returns.begin(), returns.end());
    returns.erase(std::unique(returns.begin(), returns.end()), returns.end());
    inside = InternContext(returns, false);
  }
  context_facts_[context].inside = inside;
  context_facts_[inside].inside = inside;
  return inside;
}

Pushdown::Parts Pushdown::Separate(ContextId context) {
  const ContextId outside = context_facts_[context].outside;
  if (outside == kNoContext) return {context, kTextContext, false};
  return {InsideOf(context), outside, true};
}

Pushdown::StateId Pushdown::StateOf(Item item) {
  open_.push_back(item);
  return Expand();
}

Pushdown::StateId Pushdown::StateAfter(ContextId context) {
  return StateOf({Grammar::kAcceptNode, context});
}

bool Pushdown::AppendKey(Item item, std::vector<uint32_t>& key) const {
  key.push_back(item.node);
  std::vector<ContextId> open = {item.context};
  while (!open.empty()) {
    const ContextId context = open.back();
    open.pop_back();
    key.push_back(context <= kUnknownContext ? context : kNoContext);
    if (context <= kUnknownContext) continue;
    key.push_back(static_cast<uint32_t>(contexts_[context].size()));
    key.push_back(contexts_.tag(context) ? 1 : 0);
    for (const Return& to : contexts_[context]) {
      key.push_back(to.node);
      key.push_back(to.count);
      open.push_back(to.context);
    }
    if (key.size() > kMaxKeyWords) return false;
  }
  return true;
}

Pushdown::StateId Pushdown::Compact(StateId live) {
  Pushdown fresh(*grammar_, lookahead_);
  std::vector<bool> needed(contexts_.size(), false);
  for (const Item& item : states_[live]) needed[item.context] = true;
  for (size_t id = contexts_.size(); id > 0; --id) {  // a context refers to older ones only
    if (!needed[id - 1]) continue;
    for (const Return& to : contexts_[static_cast<ContextId>(id - 1)]) needed[to.context] = true;
  }
  std::vector<ContextId> renamed(contexts_.size());
  renamed[kUnknownContext] = kUnknownContext;
  for (ContextId id = kUnknownContext + 1; id < contexts_.size(); ++id) {
    if (!needed[id]) continue;
    std::vector<Return> returns;
    for (const Return& to : contexts_[id]) {
      returns.push_back({to.node, to.count, renamed[to.context]});
    }
    std::sort(returns.begin(), returns.end());
    renamed[id] = fresh.InternContext(returns, contexts_.tag(id));
  }
  std::vector<Item> items;
  for (const Item& item : states_[live]) items.push_back({item.node, renamed[item.context]});
  std::sort(items.begin(), items.end());
  const StateId state = fresh.InternState(items);
  fresh.budget_ = budget_;
  fresh.exhausted_ = exhausted_;
  *this = std::move(fresh);
  return state;
}

}  // namespace mao
