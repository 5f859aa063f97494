// Text to token ids and back, as Hugging Face tokenizers do it from the same tokenizer.json.
#ifndef MAOOCR_TEXT_TOKENIZER_H_
#define MAOOCR_TEXT_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/token_id.h"

namespace mao {

class Decoder;

struct EncodeOptions {
  // Puts the tokens of the post-processor (as a rule begin-of-text) around the text.
  bool add_special_tokens = false;
  // Whether "<|im_end|>" in the text becomes that token. False for text from users: then no added
  // token is looked for, and the model yields no special token either, so that text stays text.
  // (The unk token still stands for what the vocabulary cannot spell.)
  bool parse_special_tokens = true;
};

// Immutable after it is made: const use is thread-safe.
// Supported: BPE, byte-level (GPT-2 family) and with byte fallback (SentencePiece family); see
// tokenizer_json.cc for the normalizers, pre-tokenizers, post-processors and decoders.
class Tokenizer {
 public:
  static constexpr size_t kMaxTextBytes = size_t{16} << 20;

  // json: contents of a tokenizer.json; name: its file name, for the errors of ParseTokenizerJson.
  static Result<std::unique_ptr<Tokenizer>> FromJson(std::string_view json, std::string_view name);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Ill-formed UTF-8 is read as U+FFFD, one for each maximal subpart, which is what a caller of the
  // reference would have made of it beforehand.
  // Errors: OutOfRange (above kMaxTextBytes), and with a hostile tokenizer.json OutOfRange or
  // DeadlineExceeded from its regular expressions.
  Result<std::vector<TokenId>> Encode(std::string_view text,
                                      const EncodeOptions& options = {}) const;

  // Ids without a token are skipped, as in the reference. The text is valid UTF-8: bytes that are
  // not become U+FFFD. An added token stands for its content as written (tokenizers 0.23 takes the
  // normalised content if the token is marked "normalized"; it differs under Prepend only).
  std::string Decode(std::span<const TokenId> ids, bool skip_special_tokens) const;

  // The id of a token in the vocabulary's own spelling ("Ġthe", "▁the", "<|im_end|>").
  std::optional<TokenId> FindToken(std::string_view token) const;
  // The other way; valid as long as the tokenizer.
  std::optional<std::string_view> TokenText(TokenId id) const;
  // The bytes that a token adds to a text, as its first token (some decoders strip a space there)
  // or later; they may end within a character. Where the bytes of a sequence joined are valid
  // UTF-8, they are what Decode gives. None for special tokens and ids without a token.
  std::optional<std::string> TokenBytes(TokenId id, bool first) const;
  // Unimplemented if the decoder is one for which TokenBytes does not hold.
  Status CheckTokenBytes() const;
  // An added token that is marked special.
  bool IsSpecial(TokenId id) const;
  // Highest id + 1, with added tokens.
  size_t vocab_size() const;

  const Decoder& decoder() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_TOKENIZER_H_
