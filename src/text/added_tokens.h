// Tokens that are found in the text as they stand, before anything else looks at it.
#ifndef MAOOCR_TEXT_ADDED_TOKENS_H_
#define MAOOCR_TEXT_ADDED_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/token_id.h"

namespace mao {

struct AddedToken {
  TokenId id = kNoToken;
  std::string content;
  bool special = false;
  bool normalized = false;   // looked for in the normalised text
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes the white space on its left
  bool rstrip = false;
};

// A stretch of text, or one added token.
struct TextOrToken {
  std::string_view text;
  TokenId id = kNoToken;  // kNoToken: text
};

// Finds added tokens: at every place the longest, from left to right, as the Aho-Corasick automaton
// of Hugging Face tokenizers (match kind LeftmostLongest) does.
class AddedTokenMatcher {
 public:
  // A search takes up to this many steps per byte of text.
  static constexpr size_t kMaxContentBytes = 1024;

  // Empty contents are never found; of equal contents the first counts.
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  bool empty() const { return edges_.empty(); }

  // Cuts `text` (valid UTF-8) at the added tokens; text stretches are never empty.
  std::vector<TextOrToken> Split(std::string_view text) const;

 private:
  struct Match {
    const AddedToken* token = nullptr;
    size_t size = 0;
  };

  Match LongestAt(std::string_view text, size_t pos) const;

  static uint64_t EdgeKey(uint32_t node, char byte) {
    return (uint64_t{node} << 8) | static_cast<unsigned char>(byte);
  }

  std::vector<AddedToken> tokens_;
  // A trie: edges by (node, byte), and for each node the index of the token that ends there.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> token_at_node_;
  std::array<bool, 256> is_start_{};  // the first bytes that occur
};

}  // namespace mao

#endif  // MAOOCR_TEXT_ADDED_TOKENS_H_
