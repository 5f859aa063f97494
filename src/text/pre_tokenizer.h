// The pre-tokenizers of tokenizer.json: they cut a text into pieces; no token crosses a cut.
#ifndef MAOOCR_TEXT_PRE_TOKENIZER_H_
#define MAOOCR_TEXT_PRE_TOKENIZER_H_

#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/pattern.h"

namespace mao {

// A text and the pieces it is cut into, in order; no piece is empty.
struct PieceList {
  std::string text;
  std::vector<TextRange> pieces;
  bool at_start = true;  // `text` begins where the caller's whole text begins
};

class PreTokenizer {
 public:
  // What happens to a match: dropped, a piece of its own, joined to a neighbour, or joined with
  // adjacent matches.
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

  struct Split {
    Pattern pattern;
    Behavior behavior;
    bool invert;  // the stretches between the matches count as matches
  };
  struct PrefixSpace {};  // a space in front of every piece that does not start with one
  struct Metaspace {
    enum class Prepend { kNever, kFirst, kAlways };
    std::string replacement;  // one character, stands for a space
    Prepend prepend;
    bool split;
  };
  using Step = std::variant<Split, PrefixSpace, Metaspace>;

  // The regular expression of GPT-2, which ByteLevel applies when told use_regex.
  static constexpr std::string_view kGpt2Regex =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

  explicit PreTokenizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

  // Cuts every piece further. Errors: those of Pattern::FindAll.
  Status Apply(PieceList& list, RegexScratch& scratch) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_PRE_TOKENIZER_H_
