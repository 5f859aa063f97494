// The parts of JSON text as a grammar. As in GrammarBuilder, every function takes what follows.
#ifndef MAOOCR_ENGINE_CONSTRAINT_JSON_WRITER_H_
#define MAOOCR_ENGINE_CONSTRAINT_JSON_WRITER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/constraint/grammar.h"
#include "engine/constraint/regex_syntax_tree.h"

namespace mao {

// White space is what people and models write, and bounded, so that no model can write it for ever:
// one space after a colon; after a bracket or comma and before a closing bracket one space, or a
// line end and up to 32 spaces or 8 tabs.
class JsonWriter {
 public:
  explicit JsonWriter(GrammarBuilder& builder);

  NodeId AnyValue(NodeId next);
  NodeId AnyObject(NodeId next);
  NodeId AnyArray(NodeId next);

  NodeId AnyString(NodeId next);
  // max_length: Grammar::kUnbounded for none. Lengths are in characters, as JSON Schema has them.
  NodeId String(uint32_t min_length, uint32_t max_length, NodeId next);
  // The string's value matches somewhere.
  NodeId StringMatching(const RegexTree& tree, NodeId next);
  // A member's name that is none of `names`, spelled without escapes.
  NodeId OtherName(std::span<const std::string> names, NodeId next);

  // A number that matches an expression of number_range.h.
  NodeId Number(std::string_view regex, NodeId next);
  NodeId Space(NodeId next);
  NodeId Colon(NodeId next);
  NodeId CloseAfterSpace(char bracket, NodeId next);

 private:
  NodeId AnyCharacter(NodeId next);
  NodeId CharacterOf(const CodePointSet& set, NodeId next);
  NodeId UnicodeEscape(NodeId next);
  NodeId NameWithout(std::span<const std::u32string> names, size_t depth, NodeId any_rest,
                     NodeId next);

  GrammarBuilder& builder_;
  std::optional<RuleId> any_value_;
  RuleId space_;
  RuleId string_rest_;  // behind the opening quote
  RuleId character_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_JSON_WRITER_H_
