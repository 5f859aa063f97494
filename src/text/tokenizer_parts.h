// Everything that a tokenizer.json describes, in the form that encoding and decoding use.
#ifndef MAOOCR_TEXT_TOKENIZER_PARTS_H_
#define MAOOCR_TEXT_TOKENIZER_PARTS_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/merge_table.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_id.h"
#include "text/vocabulary.h"

namespace mao {

struct TokenizerParts {
  Vocabulary vocabulary;
  std::vector<MergeRule> merge_rules;
  BpeOptions bpe_options;
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Decoder decoder;
  // What the post-processor puts around the ids of a text.
  std::vector<TokenId> prefix_ids;
  std::vector<TokenId> suffix_ids;
};

// Limits on a tokenizer.json; the largest released ones use less than a quarter of each.
inline constexpr size_t kMaxTokenizerJsonBytes = size_t{128} << 20;
inline constexpr size_t kMaxMerges = size_t{1} << 22;
inline constexpr size_t kMaxAddedTokens = size_t{1} << 16;
inline constexpr size_t kMaxTokenizerSteps = 64;   // of one pipeline, after flattening
inline constexpr size_t kMaxInsertedBytes = 1024;  // what one step may put into the text at a place
inline constexpr size_t kMaxJsonDepth = 32;

// Reads a tokenizer.json. Errors begin with `name`: DataLoss (not JSON), InvalidArgument (JSON that
// is no tokenizer), OutOfRange (a limit above, or one of Vocabulary, AddedTokenMatcher and Regex),
// Unimplemented (a component type, option or expression that is not supported).
// "truncation" and "padding" are ignored: they are settings of a caller, not of the vocabulary.
Result<TokenizerParts> ParseTokenizerJson(std::string_view json, std::string_view name);

}  // namespace mao

#endif  // MAOOCR_TEXT_TOKENIZER_PARTS_H_
