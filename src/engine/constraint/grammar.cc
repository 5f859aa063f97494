#include "engine/constraint/grammar.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>

namespace mao {

using Node = Grammar::Node;
using NodeKind = Grammar::NodeKind;

namespace {

// The rules that `rule` can call before any byte. seen_from: of each node, the latest rule from
// which it was seen.
void CollectFirstCalls(const Grammar& grammar, RuleId rule, std::vector<RuleId>& seen_from,
                       std::vector<RuleId>& calls) {
  std::vector<NodeId> open = {grammar.rules[rule].entry};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (std::exchange(seen_from[id], rule) == rule) continue;
    const Node& node = grammar.nodes[id];
    if (node.kind == NodeKind::kSplit) {
      const auto begin = grammar.targets.begin() + node.first;
      open.insert(open.end(), begin, begin + node.count);
    } else if (node.kind == NodeKind::kCall || node.kind == NodeKind::kRepeat) {
      calls.push_back(node.first);
      if (node.kind == NodeKind::kRepeat && node.min == 0) open.push_back(node.next);
    }
  }
}

// What calls_needed of a node is, given those of the others.
uint16_t CallsNeeded(const Grammar& grammar, const Node& node) {
  const auto of = [&](NodeId id) { return grammar.calls_needed[id]; };
  const auto of_call = [&] {
    const Grammar::Rule& rule = grammar.rules[node.first];
    // A self-contained rule is entered only if all of it fits, so that what may come inside it
    // does not depend on how deep it stands.
    const uint16_t entry = of(rule.entry);
    const uint16_t inside = rule.self_contained ? std::max(entry, rule.max_calls) : entry;
    if (inside + 1 >= GrammarBuilder::kMaxOpenCalls) return Grammar::kNever;
    return std::max(static_cast<uint16_t>(inside + 1), of(node.next));
  };
  uint16_t needed = Grammar::kNever;
  switch (node.kind) {
    case NodeKind::kEnd:
    case NodeKind::kExit:
    case NodeKind::kAccept:
      return 0;
    case NodeKind::kBytes:
      for (uint32_t i = 0; i < node.count; ++i) {
        needed = std::min(needed, of(grammar.edges[node.first + i].target));
      }
      return needed;
    case NodeKind::kSplit:
      for (uint32_t i = 0; i < node.count; ++i) {
        needed = std::min(needed, of(grammar.targets[node.first + i]));
      }
      return needed;
    case NodeKind::kCall:
      return of_call();
    case NodeKind::kRepeat:
      return node.min == 0 ? of(node.next) : of_call();
  }
  return needed;
}

}  // namespace

GrammarBuilder::GrammarBuilder() {
  grammar_.nodes = {Node{NodeKind::kEnd}, Node{NodeKind::kExit}, Node{NodeKind::kAccept}};
}

NodeId GrammarBuilder::Add(Node node) {
  if (grammar_.nodes.size() >= kMaxNodes) over_limit_ = true;
  if (over_limit_) return Grammar::kEndNode;
  grammar_.nodes.push_back(node);
  return static_cast<NodeId>(grammar_.nodes.size() - 1);
}

NodeId GrammarBuilder::Bytes(std::span<const Grammar::Edge> edges) {
  if (grammar_.edges.size() + edges.size() > kMaxEdges) over_limit_ = true;
  if (over_limit_) return Grammar::kEndNode;
  Node node{NodeKind::kBytes};
  node.first = static_cast<uint32_t>(grammar_.edges.size());
  node.count = static_cast<uint32_t>(edges.size());
  grammar_.edges.insert(grammar_.edges.end(), edges.begin(), edges.end());
  return Add(node);
}

// Continuation bytes and ends of literals occur again and again before the same node.
NodeId GrammarBuilder::Byte(const Grammar::Edge& edge) {
  if (over_limit_) return Grammar::kEndNode;
  const uint64_t key = (uint64_t{edge.first} << 40) | (uint64_t{edge.last} << 32) | edge.target;
  const auto [it, is_new] = single_edges_.try_emplace(key, Grammar::kEndNode);
  if (is_new) it->second = Bytes({&edge, 1});
  return it->second;
}

NodeId GrammarBuilder::Literal(std::string_view text, NodeId next) {
  for (size_t i = text.size(); i > 0; --i) {
    const auto byte = static_cast<uint8_t>(text[i - 1]);
    next = Byte({byte, byte, next});
  }
  return next;
}

NodeId GrammarBuilder::Character(const CodePointSet& set, NodeId next) {
  std::vector<Grammar::Edge> first_bytes;
  for (const Utf8Sequence& sequence : Utf8SequencesOf(set)) {
    NodeId target = next;
    for (int i = sequence.size - 1; i > 0; --i) {
      target = Byte({sequence.bytes[i].first, sequence.bytes[i].last, target});
    }
    first_bytes.push_back({sequence.bytes[0].first, sequence.bytes[0].last, target});
  }
  return Bytes(first_bytes);
}

NodeId GrammarBuilder::Choice(std::span<const NodeId> targets) {
  if (targets.size() == 1) return targets[0];
  const NodeId node = Forward();
  Resolve(node, targets);
  return node;
}

NodeId GrammarBuilder::Forward() { return Add(Node{NodeKind::kSplit}); }

void GrammarBuilder::Resolve(NodeId forward, std::span<const NodeId> targets) {
  if (grammar_.targets.size() + targets.size() > kMaxEdges) over_limit_ = true;
  if (over_limit_) return;
  Node& node = grammar_.nodes[forward];
  node.first = static_cast<uint32_t>(grammar_.targets.size());
  node.count = static_cast<uint32_t>(targets.size());
  grammar_.targets.insert(grammar_.targets.end(), targets.begin(), targets.end());
}

NodeId GrammarBuilder::OneOf(std::vector<std::string> texts, NodeId next) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return OneOf(texts, 0, next);
}

// `texts` are sorted, distinct, and agree in their first `depth` bytes. Recursion is by branching,
// not by length: what they have in common is written in a loop.
NodeId GrammarBuilder::OneOf(std::span<const std::string> texts, size_t depth, NodeId next) {
  const std::string_view first = texts.front();
  const std::string_view last = texts.back();
  if (texts.size() == 1 || over_limit_) return Literal(first.substr(depth), next);
  size_t common = depth;
  while (common < first.size() && first[common] == last[common]) ++common;
  std::vector<NodeId> targets;
  size_t begin = 0;
  if (first.size() == common) {
    targets.push_back(next);
    begin = 1;
  }
  while (begin < texts.size()) {
    size_t end = begin + 1;
    while (end < texts.size() && texts[end][common] == texts[begin][common]) ++end;
    targets.push_back(OneOf(texts.subspan(begin, end - begin), common, next));
    begin = end;
  }
  return Literal(first.substr(depth, common - depth), Choice(targets));
}

RuleId GrammarBuilder::AddRule(std::string name, bool self_contained) {
  grammar_.rules.push_back({std::move(name), Grammar::kEndNode, self_contained});
  return static_cast<RuleId>(grammar_.rules.size() - 1);
}

NodeId GrammarBuilder::Call(RuleId rule, NodeId next) {
  Node node{NodeKind::kCall};
  node.first = rule;
  node.next = next;
  return Add(node);
}

NodeId GrammarBuilder::Repeat(RuleId rule, uint32_t min, uint32_t max, NodeId next) {
  if (max == 0) return next;
  Node node{NodeKind::kRepeat};
  node.first = rule;
  node.next = next;
  node.min = min;
  node.max = max;
  return Add(node);
}

Result<Grammar> GrammarBuilder::Finish(NodeId root) {
  if (over_limit_) {
    return OutOfRangeError(
        fmt::format("the constraint is too large: it takes more than {} nodes or {} edges",
                    kMaxNodes, kMaxEdges));
  }
  grammar_.root = root;
  JoinBytesOfSplits();
  MAO_RETURN_IF_ERROR(CheckNoRuleStartsWithItself());
  for (RuleId rule = 0; rule < grammar_.rules.size(); ++rule) {
    if (grammar_.rules[rule].self_contained) {
      grammar_.rules[rule].max_calls = MaxCallsInside(rule);
    }
  }
  CountNeededCalls();
  if (grammar_.calls_needed[root] == Grammar::kNever) {
    return InvalidArgumentError(fmt::format(
        "no text satisfies the constraint, or none that nests less than {} deep", kMaxOpenCalls));
  }
  return std::move(grammar_);
}

// Branches that begin with a byte become one node, so that a state in a string has one item.
void GrammarBuilder::JoinBytesOfSplits() {
  const size_t num_nodes = grammar_.nodes.size();
  for (size_t id = 0; id < num_nodes; ++id) {
    const Node split = grammar_.nodes[id];
    if (split.kind != NodeKind::kSplit || grammar_.nodes.size() >= kMaxNodes) continue;
    std::vector<NodeId> rest;
    std::vector<Grammar::Edge> joined;
    for (uint32_t i = 0; i < split.count; ++i) {
      const NodeId target = grammar_.targets[split.first + i];
      const Node& node = grammar_.nodes[target];
      if (node.kind != NodeKind::kBytes) {
        rest.push_back(target);
        continue;
      }
      const auto begin = grammar_.edges.begin() + node.first;
      joined.insert(joined.end(), begin, begin + node.count);
    }
    if (rest.size() + 1 >= split.count || grammar_.edges.size() + joined.size() > kMaxEdges) {
      continue;
    }
    Node bytes{NodeKind::kBytes};
    bytes.first = static_cast<uint32_t>(grammar_.edges.size());
    bytes.count = static_cast<uint32_t>(joined.size());
    grammar_.edges.insert(grammar_.edges.end(), joined.begin(), joined.end());
    if (rest.empty()) {
      grammar_.nodes[id] = bytes;
      continue;
    }
    grammar_.nodes.push_back(bytes);
    rest.push_back(static_cast<NodeId>(grammar_.nodes.size() - 1));
    std::copy(rest.begin(), rest.end(), grammar_.targets.begin() + split.first);
    grammar_.nodes[id].count = static_cast<uint32_t>(rest.size());
  }
}

Status GrammarBuilder::CheckNoRuleStartsWithItself() const {
  std::vector<std::vector<RuleId>> calls(grammar_.rules.size());
  std::vector<RuleId> seen_from(grammar_.nodes.size(), Grammar::kUnbounded);
  for (RuleId rule = 0; rule < calls.size(); ++rule) {
    CollectFirstCalls(grammar_, rule, seen_from, calls[rule]);
  }
  // Depth first, without recursion; a rule met while it is open closes a circle.
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> mark(calls.size(), kNew);
  for (RuleId start = 0; start < calls.size(); ++start) {
    if (mark[start] != kNew) continue;
    std::vector<std::pair<RuleId, size_t>> path = {{start, 0}};
    mark[start] = kOpen;
    while (!path.empty()) {
      auto& [rule, next_call] = path.back();
      if (next_call == calls[rule].size()) {
        mark[rule] = kDone;
        path.pop_back();
        continue;
      }
      const RuleId callee = calls[rule][next_call++];
      if (mark[callee] == kOpen) {
        return InvalidArgumentError(fmt::format("{} refers to itself before any text of its own",
                                                grammar_.rules[callee].name));
      }
      if (mark[callee] == kDone) continue;
      mark[callee] = kOpen;
      path.emplace_back(callee, 0);
    }
  }
  return OkStatus();
}

// Self-contained rules come from expressions, whose groups bound the recursion.
uint16_t GrammarBuilder::MaxCallsInside(RuleId rule) const {
  std::vector<NodeId> open = {grammar_.rules[rule].entry};
  std::unordered_set<NodeId> seen(open.begin(), open.end());
  uint16_t max_calls = 0;
  const auto visit = [&](NodeId node) {
    if (seen.insert(node).second) open.push_back(node);
  };
  while (!open.empty()) {
    const Node node = grammar_.nodes[open.back()];
    open.pop_back();
    for (uint32_t i = 0; i < node.count; ++i) {
      visit(node.kind == NodeKind::kBytes ? grammar_.edges[node.first + i].target
                                          : grammar_.targets[node.first + i]);
    }
    if (node.kind != NodeKind::kCall && node.kind != NodeKind::kRepeat) continue;
    max_calls = std::max(max_calls, static_cast<uint16_t>(1 + MaxCallsInside(node.first)));
    visit(node.next);
  }
  return max_calls;
}

// Values only fall. Nodes are mostly written after what follows them, so within a rule one pass
// suffices, and a call costs at most a pass for each of the kMaxOpenCalls levels.
void GrammarBuilder::CountNeededCalls() {
  grammar_.calls_needed.assign(grammar_.nodes.size(), Grammar::kNever);
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t id = 0; id < grammar_.nodes.size(); ++id) {
      const uint16_t needed = CallsNeeded(grammar_, grammar_.nodes[id]);
      if (needed >= grammar_.calls_needed[id]) continue;
      grammar_.calls_needed[id] = needed;
      changed = true;
    }
  }
}

}  // namespace mao
