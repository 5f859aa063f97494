// Runs a grammar over bytes: all readings of the text so far at once, as a state. States are made
// when they are first met and then found again through a table, so that most bytes cost a load.
#ifndef MAOOCR_ENGINE_CONSTRAINT_PUSHDOWN_H_
#define MAOOCR_ENGINE_CONSTRAINT_PUSHDOWN_H_

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/constraint/grammar.h"
#include "engine/constraint/span_interner.h"

namespace mao {

// A state is a set of items; an item is a node that waits for a byte, and the context of the rule it
// stands in. A context is the set of places that the rule may return to, each with its own context.
// Callers of one rule at one place in the text share a context (as in a graph-structured stack), so
// that ambiguity costs a set's size, not the number of readings.
//
// Every item can be completed: a call is made only if the calls needed to get out of it again stay
// below GrammarBuilder::kMaxOpenCalls.
class Pushdown {
 public:
  using StateId = uint32_t;
  using ContextId = uint32_t;
  struct Item {
    NodeId node;
    ContextId context;
    auto operator<=>(const Item&) const = default;  // NOLINT(modernize-use-nullptr): misread
  };
  // What an item means, taken apart at the innermost self-contained rule it stands in.
  struct Parts {
    ContextId inside;   // up to that rule, whose end leads to Grammar::kExitNode
    ContextId outside;  // of that rule; kTextContext if it stands in none
    bool separable;     // no: it stands in different ones at once
  };

  static constexpr StateId kDead = 0;              // no text continues
  static constexpr ContextId kTextContext = 0;     // outside of all rules
  static constexpr ContextId kUnknownContext = 1;  // what a rule that is looked at alone returns to
  // States, and elements of states or contexts. Beyond it Compact is due; beyond four times as many
  // work is refused.
  static constexpr size_t kManyStates = 4096;
  static constexpr size_t kManyElements = size_t{1} << 19;
  // Units of the budget, each some nanoseconds.
  static constexpr int64_t kUnitsPerItem = 16;
  static constexpr int64_t kUnitsPerState = 64;

  // `grammar` must outlive this. Counts of repetitions that differ only beyond the next
  // `lookahead` bytes are the same to Separate.
  Pushdown(const Grammar& grammar, uint32_t lookahead);

  StateId start() const { return start_; }
  // kDead from kDead, and when the budget is spent.
  StateId Step(StateId state, uint8_t byte);

  bool IsComplete(StateId state) const { return facts_[state].complete; }
  bool CanContinue(StateId state) const { return facts_[state].can_continue; }
  bool IsExit(StateId state) const { return facts_[state].exit; }
  std::span<const Item> items(StateId state) const { return states_[state]; }

  Parts Separate(ContextId context);
  StateId StateOf(Item item);
  // The state after the rule with this context has ended.
  StateId StateAfter(ContextId context);
  // Appends what describes the item in any Pushdown of the grammar. False if that is too long.
  bool AppendKey(Item item, std::vector<uint32_t>& key) const;

  // Forgets all states and contexts that `live` does not need; returns its new id.
  bool NeedsCompacting() const {
    return states_.size() > kManyStates || states_.num_elements() > kManyElements ||
           contexts_.num_elements() > kManyElements;
  }
  StateId Compact(StateId live);

  void set_budget(int64_t budget) { budget_ = budget; }
  int64_t budget() const { return budget_; }
  void Spend(int64_t units) { budget_ -= units; }
  // The budget is spent, or there are too many states: what Step returned is not reliable.
  bool exhausted() const { return exhausted_ || budget_ < 0; }

 private:
  struct Return {
    NodeId node;
    uint32_t count;  // kRepeat: repetitions done when the rule ends, counted from 1; else 0
    ContextId context;
    auto operator<=>(const Return&) const = default;  // NOLINT(modernize-use-nullptr): misread
  };
  struct PendingCall {
    RuleId rule;
    Return to;
    bool is_last;  // nothing follows in the caller: return to where the caller returns
    auto operator<=>(const PendingCall&) const = default;  // NOLINT(modernize-use-nullptr): misread
  };
  struct ContextFacts {
    uint16_t depth;
    ContextId outside;
    ContextId inside;
  };
  struct StateFacts {
    bool complete;
    bool can_continue;
    bool exit;
  };
  // Items seen during one expansion; clearing is free.
  class SeenItems {
   public:
    SeenItems() : keys_(64), stamps_(64) {}
    void Clear();
    bool Insert(Item item);

   private:
    std::vector<Item> keys_;
    std::vector<uint32_t> stamps_;
    uint32_t stamp_ = 0;
    size_t size_ = 0;
  };

  static constexpr StateId kUnknownState = UINT32_MAX;
  static constexpr ContextId kNoContext = UINT32_MAX;

  ContextId InternContext(std::span<const Return> returns, bool self_contained);
  StateId InternState(std::span<const Item> items);
  StateId Expand();
  void Visit(Item item);
  void TakeReturn(const Return& to);
  void Call(RuleId rule, const Return& to, bool is_last);
  void Repeat(NodeId node, uint32_t count, ContextId context);
  void MakeCalls();
  uint32_t Clamped(const Return& to) const;
  ContextId InsideOf(ContextId context);

  const Grammar* grammar_;
  uint32_t lookahead_;
  SpanInterner<Return> contexts_;
  std::vector<ContextFacts> context_facts_;
  SpanInterner<Item> states_;
  std::vector<StateFacts> facts_;
  std::deque<std::array<StateId, 256>> transitions_;
  StateId start_ = kDead;
  int64_t budget_ = 0;
  bool exhausted_ = false;

  // Workspace of Expand.
  std::vector<Item> open_;
  std::vector<Item> items_;
  std::vector<PendingCall> calls_;
  std::vector<Return> returns_;
  SeenItems seen_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_PUSHDOWN_H_
