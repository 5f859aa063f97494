// Regular expressions into a grammar.
#ifndef MAOOCR_ENGINE_CONSTRAINT_REGEX_WRITER_H_
#define MAOOCR_ENGINE_CONSTRAINT_REGEX_WRITER_H_

#include <functional>

#include "engine/constraint/grammar.h"
#include "engine/constraint/regex_syntax_tree.h"

namespace mao {

// Writes one character of a set in the spelling of the text around it (plain UTF-8, or as it stands
// in a JSON string) and returns the node.
using CharacterWriter = std::function<NodeId(const CodePointSet& set, NodeId next)>;

enum class RegexMatch {
  kWhole,     // the expression matches the whole text
  kAnywhere,  // it is found somewhere in the text, as JSON Schema's `pattern` has it
};

NodeId WriteRegex(const RegexTree& tree, RegexMatch match, const CharacterWriter& write_character,
                  GrammarBuilder& builder, NodeId next);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_REGEX_WRITER_H_
