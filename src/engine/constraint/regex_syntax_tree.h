// Regular expressions as constraints know them: a subset of ECMA-262 (with its flag "u"), which is
// what JSON Schema's `pattern` asks for.
#ifndef MAOOCR_ENGINE_CONSTRAINT_REGEX_SYNTAX_TREE_H_
#define MAOOCR_ENGINE_CONSTRAINT_REGEX_SYNTAX_TREE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/constraint/code_point_set.h"

namespace mao {

struct RegexTree {
  static constexpr uint32_t kUnbounded = UINT32_MAX;
  static constexpr size_t kMaxBytes = size_t{64} << 10;
  static constexpr int kMaxGroupDepth = 32;
  // Characters of the expression with every repetition written out.
  static constexpr uint64_t kMaxCharacters = 100000;

  enum class Kind : uint8_t { kCharacter, kSequence, kAlternatives, kRepeat };
  struct Node {
    Kind kind = Kind::kSequence;
    CodePointSet set;             // kCharacter
    std::vector<uint32_t> parts;  // the others; a sequence without parts is the empty text
    uint32_t min = 0;             // kRepeat
    uint32_t max = 0;             // kRepeat; kUnbounded
    bool nullable = false;        // matches the empty text
    uint64_t num_characters = 0;  // with repetitions written out
  };
  struct Alternative {
    uint32_t node;
    bool from_start;  // ^
    bool to_end;      // $
  };

  std::vector<Node> nodes;
  std::vector<Alternative> alternatives;
};

// Supported: literals, . [...] [^...] \d \w \s and their negations, \t \n \r \f \v \0 \xHH \uHHHH
// \u{H} \cX, groups, alternation, * + ? {m} {m,} {m,n} (lazy ones too: they match the same texts),
// ^ and $ at the ends of an alternative outside of groups. InvalidArgument names the position (in
// bytes) of what is wrong or not supported: back references, look-around, \b, \p, flags.
Result<RegexTree> ParseRegex(std::string_view expression);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_REGEX_SYNTAX_TREE_H_
