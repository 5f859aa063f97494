#include "text/incremental_detokenizer.h"

#include <optional>
#include <string_view>

#include "text/decoder.h"

namespace mao {

IncrementalDetokenizer::IncrementalDetokenizer(const Tokenizer& tokenizer, bool skip_special_tokens)
    : tokenizer_(&tokenizer),
      skip_special_tokens_(skip_special_tokens),
      stream_(std::make_unique<DecodeStream>(tokenizer.decoder())) {}

IncrementalDetokenizer::IncrementalDetokenizer(IncrementalDetokenizer&&) noexcept = default;
IncrementalDetokenizer& IncrementalDetokenizer::operator=(IncrementalDetokenizer&&) noexcept =
    default;
IncrementalDetokenizer::~IncrementalDetokenizer() = default;

std::string IncrementalDetokenizer::Append(TokenId id) {
  std::string text;
  const std::optional<std::string_view> token = tokenizer_->TokenText(id);
  if (token && !(skip_special_tokens_ && tokenizer_->IsSpecial(id))) stream_->Push(*token, text);
  return text;
}

std::string IncrementalDetokenizer::Finish() {
  std::string text;
  stream_->Finish(text);
  return text;
}

}  // namespace mao
