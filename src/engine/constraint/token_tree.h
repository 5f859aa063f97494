// The tokens of a vocabulary as a tree over their bytes, so that what a constraint allows is found
// in one walk that leaves out whole branches.
#ifndef MAOOCR_ENGINE_CONSTRAINT_TOKEN_TREE_H_
#define MAOOCR_ENGINE_CONSTRAINT_TOKEN_TREE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/tokenizer.h"

namespace mao {

// Nodes are numbered in the order of a walk, parents first, siblings by byte; node 0 is the root.
class TokenTree {
 public:
  // token_bytes[id]: of each token; empty for those that are never chosen. Longer ones than
  // kMaxTokenBytes are left out: shorter tokens spell the same.
  static constexpr size_t kMaxTokenBytes = 256;
  explicit TokenTree(std::vector<std::string> token_bytes);

  uint32_t num_nodes() const { return static_cast<uint32_t>(bytes_.size()); }
  // The byte that leads to a node, and how many bytes lead there from the root.
  uint8_t byte(uint32_t node) const { return bytes_[node]; }
  uint32_t depth(uint32_t node) const { return depths_[node]; }
  // One past the last node below this one.
  uint32_t end(uint32_t node) const { return ends_[node]; }
  // The tokens that are spelled by the way to a node.
  std::span<const TokenId> tokens(uint32_t node) const {
    return std::span(tokens_).subspan(first_tokens_[node],
                                      first_tokens_[node + 1] - first_tokens_[node]);
  }
  uint32_t max_depth() const { return max_depth_; }
  // What a token spells; empty for those that are left out and for ids without a token.
  std::string_view token_bytes(TokenId id) const;

 private:
  void AddToken(std::string_view bytes, TokenId id, std::vector<uint32_t>& path);

  std::vector<uint8_t> bytes_;
  std::vector<uint16_t> depths_;
  std::vector<uint32_t> ends_;
  std::vector<uint32_t> first_tokens_;  // one more than nodes
  std::vector<TokenId> tokens_;
  std::vector<std::string> token_bytes_;
  uint32_t max_depth_ = 0;
};

// A vocabulary as constraints see it; made once per tokenizer and shared.
struct ConstraintVocabulary {
  // Special tokens are in no tree. Errors: those of Tokenizer::CheckTokenBytes.
  static Result<std::shared_ptr<const ConstraintVocabulary>> Create(const Tokenizer& tokenizer);

  std::shared_ptr<const TokenTree> first;  // for the first token of a text
  std::shared_ptr<const TokenTree> later;  // the same tree unless the decoder treats it otherwise
  // Tokens that add nothing to the front of a text: a space that the decoder strips.
  std::vector<TokenId> empty_first;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_TOKEN_TREE_H_
