// Text of a growing sequence of tokens, as it becomes certain.
#ifndef MAOOCR_TEXT_INCREMENTAL_DETOKENIZER_H_
#define MAOOCR_TEXT_INCREMENTAL_DETOKENIZER_H_

#include <memory>
#include <string>

#include "text/token_id.h"
#include "text/tokenizer.h"

namespace mao {

class DecodeStream;

// All that Append returned, followed by what Finish returns, equals Decode of the same ids with the
// same skip_special_tokens. Each call costs time in proportion to the text it takes and returns.
// With a ByteFallback decoder nothing of a run of byte tokens is certain before the run ends,
// because one bad byte turns the whole run into U+FFFD.
class IncrementalDetokenizer {
 public:
  // `tokenizer` must outlive this.
  IncrementalDetokenizer(const Tokenizer& tokenizer, bool skip_special_tokens);
  IncrementalDetokenizer(IncrementalDetokenizer&&) noexcept;
  IncrementalDetokenizer& operator=(IncrementalDetokenizer&&) noexcept;
  ~IncrementalDetokenizer();

  // The text that is certain now and was not before: whole characters, possibly none.
  std::string Append(TokenId id);

  // The rest, with U+FFFD for a character that was cut. Nothing may be appended afterwards.
  std::string Finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_tokens_;
  std::unique_ptr<DecodeStream> stream_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_INCREMENTAL_DETOKENIZER_H_
