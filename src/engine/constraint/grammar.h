// A grammar over bytes as a graph: what text may come, byte by byte. Rules call each other, so that
// values may nest; inside a rule there are only bytes, branches and counted repetitions.
#ifndef MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_H_
#define MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/constraint/code_point_set.h"

namespace mao {

using NodeId = uint32_t;
using RuleId = uint32_t;

struct Grammar {
  enum class NodeKind : uint8_t {
    kEnd,     // the text may end here
    kExit,    // a rule that is looked at by itself has been left
    kAccept,  // end of a rule
    kBytes,   // one byte, by which edge
    kSplit,   // any of several nodes
    kCall,    // a rule, then `next`
    kRepeat,  // a rule min to max times, then `next`
  };
  struct Node {
    NodeKind kind = NodeKind::kEnd;
    uint32_t first = 0;  // kBytes: of edges; kSplit: of targets; kCall, kRepeat: the rule
    uint32_t count = 0;  // kBytes, kSplit
    NodeId next = 0;     // kCall, kRepeat
    uint32_t min = 0;    // kRepeat
    uint32_t max = 0;    // kRepeat; kUnbounded
  };
  struct Edge {
    uint8_t first;
    uint8_t last;
    NodeId target;
  };
  struct Rule {
    std::string name;
    NodeId entry = 0;
    // What may come inside it is worth remembering apart from what comes after it: the inside of a
    // JSON string, where nearly every token is allowed. Such a rule must not call itself.
    bool self_contained = false;
    uint16_t max_calls = 0;  // self-contained: how many calls can be open inside it
  };

  static constexpr NodeId kEndNode = 0;
  static constexpr NodeId kExitNode = 1;
  static constexpr NodeId kAcceptNode = 2;
  static constexpr uint32_t kUnbounded = UINT32_MAX;
  static constexpr uint16_t kNever = UINT16_MAX;

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<NodeId> targets;
  std::vector<Rule> rules;
  NodeId root = kEndNode;
  // Of each node: how many calls must be open at once to get from it to the end of its rule;
  // kNever if there is no way with less than GrammarBuilder::kMaxOpenCalls.
  std::vector<uint16_t> calls_needed;
};

// Writes a grammar from its end: every function takes what follows and returns what it wrote.
// Past a limit nothing more is written and Finish fails, so that callers need no checks.
class GrammarBuilder {
 public:
  static constexpr size_t kMaxNodes = size_t{1} << 18;
  static constexpr size_t kMaxEdges = size_t{1} << 20;
  // Calls open at once, which bounds how deep a value may nest.
  static constexpr uint16_t kMaxOpenCalls = 64;

  GrammarBuilder();

  NodeId Literal(std::string_view text, NodeId next);
  // One character of the set, as UTF-8. An empty set is a dead end.
  NodeId Character(const CodePointSet& set, NodeId next);
  NodeId Choice(std::span<const NodeId> targets);
  NodeId Choice(std::initializer_list<NodeId> targets) {
    return Choice(std::span(targets.begin(), targets.size()));
  }
  NodeId Optional(NodeId node, NodeId next) { return Choice({node, next}); }
  // One of the texts; as a tree, so that a state stays small whatever their number.
  NodeId OneOf(std::vector<std::string> texts, NodeId next);
  // A choice whose targets come later, which is how loops are made.
  NodeId Forward();
  void Resolve(NodeId forward, std::span<const NodeId> targets);
  void Resolve(NodeId forward, std::initializer_list<NodeId> targets) {
    Resolve(forward, std::span(targets.begin(), targets.size()));
  }

  // A rule must not match the empty text. Its end is Grammar::kAcceptNode.
  RuleId AddRule(std::string name, bool self_contained = false);
  void SetEntry(RuleId rule, NodeId entry) { grammar_.rules[rule].entry = entry; }
  NodeId Call(RuleId rule, NodeId next);
  // max: Grammar::kUnbounded for none.
  NodeId Repeat(RuleId rule, uint32_t min, uint32_t max, NodeId next);

  bool over_limit() const { return over_limit_; }

  // Errors: OutOfRange (too many nodes or edges), InvalidArgument (a rule that starts with itself;
  // no text, or none but the empty one, fits the grammar).
  Result<Grammar> Finish(NodeId root);

 private:
  NodeId Add(Grammar::Node node);
  NodeId Bytes(std::span<const Grammar::Edge> edges);
  NodeId Byte(const Grammar::Edge& edge);
  NodeId OneOf(std::span<const std::string> texts, size_t depth, NodeId next);
  void JoinBytesOfSplits();
  uint16_t MaxCallsInside(RuleId rule) const;
  Status CheckNoRuleStartsWithItself() const;
  void CountNeededCalls();

  Grammar grammar_;
  std::unordered_map<uint64_t, NodeId> single_edges_;  // by bytes and target
  bool over_limit_ = false;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_H_
