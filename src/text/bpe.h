// Byte-pair encoding as in Hugging Face tokenizers (models/bpe): from a piece of text to token ids.
#ifndef MAOOCR_TEXT_BPE_H_
#define MAOOCR_TEXT_BPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/merge_table.h"
#include "text/token_id.h"
#include "text/vocabulary.h"

namespace mao {

struct BpeOptions {
  bool byte_level = false;     // pieces are bytes, spelt in the vocabulary as in byte_level.h
  bool ignore_merges = false;  // a piece that is a token needs no merging
  bool byte_fallback = false;  // a character without token becomes tokens <0x00> to <0xFF>
  bool fuse_unk = false;       // adjacent unknown characters become one unk token
  TokenId unk_id = kNoToken;   // without it, unknown characters vanish
};

class BpeModel {
 public:
  // Working memory of one thread; any number of Encode calls may use it in turn.
  struct Scratch {
    struct Symbol {
      TokenId id;
      uint32_t rank;  // of the rule that joins this symbol with the next one
      int32_t previous;
      int32_t next;
    };
    std::vector<Symbol> symbols;
    std::vector<uint64_t> heap;
  };

  // `vocabulary` must outlive the model and hold every id of `rules` and `options`.
  BpeModel(const Vocabulary& vocabulary, std::vector<MergeRule> rules, const BpeOptions& options);

  // Appends the tokens of `piece` (valid UTF-8, below 2^31 bytes). When allow_special is false, no
  // special token comes out, whatever the text, but for the unk token.
  // Time: O(n log n) in the length of the piece.
  void Encode(std::string_view piece, bool allow_special, Scratch& scratch,
              std::vector<TokenId>& ids) const;

 private:
  class SymbolWriter;

  TokenId SymbolOf(std::string_view character, char32_t code_point) const;
  void InitialSymbols(std::string_view piece, bool allow_special, Scratch& scratch) const;
  uint32_t JoinRank(TokenId left, TokenId right, bool allow_special) const;
  void MergeShort(bool allow_special, Scratch& scratch) const;
  void MergeLong(bool allow_special, Scratch& scratch) const;

  const Vocabulary& vocabulary_;
  BpeOptions options_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_symbols_;  // byte level: of each byte
  std::array<TokenId, 256> fallback_ids_;  // <0xNN>
  std::unordered_map<char32_t, TokenId> character_symbols_;
  bool has_special_ = false;  // a token of the model is special, so that Encode must look
};

}  // namespace mao

#endif  // MAOOCR_TEXT_BPE_H_
