// Texts and ids of all tokens, those of the model and the added ones.
#ifndef MAOOCR_TEXT_VOCABULARY_H_
#define MAOOCR_TEXT_VOCABULARY_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "text/token_id.h"

namespace mao {

class Vocabulary {
 public:
  // The released models stay below 2^18 tokens of less than 1 KiB.
  static constexpr TokenId kMaxId = (1 << 22) - 1;
  static constexpr size_t kMaxTokenBytes = size_t{16} << 10;

  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  void Reserve(size_t num_tokens);

  // Adds a token of the model; `text` is valid UTF-8. Errors: OutOfRange (id outside [0, kMaxId],
  // text longer than kMaxTokenBytes), InvalidArgument (text or id taken).
  Status AddModelToken(std::string_view text, int64_t id);

  // Adds an added token, or marks the model token with the same text and id as added. Errors: as
  // above, and InvalidArgument when text and id contradict what is there.
  Status AddAddedToken(std::string_view text, int64_t id, bool special);

  // Highest id + 1.
  size_t size() const { return entries_.size(); }

  std::optional<TokenId> Find(std::string_view text) const;
  // Only tokens of the model; kNoToken when there is none.
  TokenId FindModelToken(std::string_view text) const;
  std::optional<std::string_view> Text(TokenId id) const;
  bool IsSpecial(TokenId id) const;

 private:
  struct Entry {
    const std::string* text = nullptr;  // the key in ids_; null where the id is unused
    bool in_model = false;
    bool special = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  const Entry* Lookup(TokenId id) const;
  Result<Entry*> Add(std::string_view text, int64_t id);

  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::vector<Entry> entries_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_VOCABULARY_H_
