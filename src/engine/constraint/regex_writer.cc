#include "engine/constraint/regex_writer.h"

#include <algorithm>

namespace mao {
namespace {

using Kind = RegexTree::Kind;
using Node = RegexTree::Node;

// Repetitions of up to so many characters are written out; longer ones are counted.
constexpr uint64_t kMaxWrittenOut = 32;

class Writer {
 public:
  Writer(const RegexTree& tree, const CharacterWriter& write_character, GrammarBuilder& builder)
      : tree_(tree), write_character_(write_character), builder_(builder) {}

  NodeId Write(uint32_t id, NodeId next) {
    const Node& node = tree_.nodes[id];
    if (builder_.over_limit()) return next;
    switch (node.kind) {
      case Kind::kCharacter:
        return write_character_(node.set, next);
      case Kind::kSequence:
        for (size_t i = node.parts.size(); i > 0; --i) next = Write(node.parts[i - 1], next);
        return next;
      case Kind::kAlternatives: {
        std::vector<NodeId> targets;
        for (const uint32_t part : node.parts) targets.push_back(Write(part, next));
        return builder_.Choice(targets);
      }
      case Kind::kRepeat:
        return WriteRepeat(node, MinOf(node), next);
    }
    return next;
  }

  NodeId WriteAnything(NodeId next) {
    const NodeId loop = builder_.Forward();
    builder_.Resolve(loop, {write_character_(CodePointSet::All(), loop), next});
    return loop;
  }

 private:
  // What is repeated never matches the empty text (it could do so for ever). If it would, it need
  // not be repeated at all.
  uint32_t MinOf(const Node& repeat) const {
    return tree_.nodes[repeat.parts[0]].nullable ? 0 : repeat.min;
  }

  // The texts of Write but the empty one.
  NodeId WriteNonEmpty(uint32_t id, NodeId next) {
    const Node& node = tree_.nodes[id];
    if (!node.nullable || builder_.over_limit()) return Write(id, next);
    switch (node.kind) {
      case Kind::kCharacter:
        break;  // never nullable
      case Kind::kSequence: {
        // One part is the first that is not empty; all are nullable.
        std::vector<NodeId> targets;
        for (size_t i = node.parts.size(); i > 0; --i) {
          targets.push_back(WriteNonEmpty(node.parts[i - 1], next));
          next = Write(node.parts[i - 1], next);
        }
        return builder_.Choice(targets);
      }
      case Kind::kAlternatives: {
        std::vector<NodeId> targets;
        for (const uint32_t part : node.parts) targets.push_back(WriteNonEmpty(part, next));
        return builder_.Choice(targets);
      }
      case Kind::kRepeat:
        return WriteRepeat(node, std::max(MinOf(node), 1U), next);
    }
    return next;
  }

  NodeId WriteRepeat(const Node& node, uint32_t min, NodeId next) {
    const uint32_t part = node.parts[0];
    const uint64_t size = std::max<uint64_t>(tree_.nodes[part].num_characters, 1);
    if (node.max < min) return builder_.Choice({});  // x{0} that must not be empty
    const bool is_bounded = node.max != RegexTree::kUnbounded;
    if (size * (is_bounded ? node.max : min) > std::max(kMaxWrittenOut, size)) {
      const RuleId rule = builder_.AddRule("a repetition in a regular expression");
      builder_.SetEntry(rule, WriteNonEmpty(part, Grammar::kAcceptNode));
      return builder_.Repeat(rule, min, is_bounded ? node.max : Grammar::kUnbounded, next);
    }
    if (is_bounded) {
      NodeId rest = next;
      for (uint32_t i = min; i < node.max; ++i) {
        rest = builder_.Optional(WriteNonEmpty(part, rest), next);
      }
      for (uint32_t i = 0; i < min; ++i) rest = WriteNonEmpty(part, rest);
      return rest;
    }
    const NodeId loop = builder_.Forward();
    const NodeId again = WriteNonEmpty(part, loop);
    builder_.Resolve(loop, {again, next});
    if (min == 0) return loop;
    NodeId first = again;
    for (uint32_t i = 1; i < min; ++i) first = WriteNonEmpty(part, first);
    return first;
  }

  const RegexTree& tree_;
  const CharacterWriter& write_character_;
  GrammarBuilder& builder_;
};

}  // namespace

NodeId WriteRegex(const RegexTree& tree, RegexMatch match, const CharacterWriter& write_character,
                  GrammarBuilder& builder, NodeId next) {
  Writer writer(tree, write_character, builder);
  std::vector<NodeId> targets;
  for (const RegexTree::Alternative& alternative : tree.alternatives) {
    const bool anywhere = match == RegexMatch::kAnywhere;
    const NodeId after = anywhere && !alternative.to_end ? writer.WriteAnything(next) : next;
    const NodeId node = writer.Write(alternative.node, after);
    targets.push_back(anywhere && !alternative.from_start ? writer.WriteAnything(node) : node);
  }
  return builder.Choice(targets);
}

}  // namespace mao
