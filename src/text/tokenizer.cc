#include "text/tokenizer.h"

#include <utility>

#include <fmt/core.h>

#include "text/incremental_detokenizer.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace mao {

struct Tokenizer::State {
  State(TokenizerParts tokenizer_parts, std::vector<AddedToken> raw,
        std::vector<AddedToken> normalized)
      : parts(std::move(tokenizer_parts)),
        bpe(parts.vocabulary, std::move(parts.merge_rules), parts.bpe_options),
        raw_tokens(std::move(raw)),
        normalized_tokens(std::move(normalized)) {}

  TokenizerParts parts;
  BpeModel bpe;
  AddedTokenMatcher raw_tokens;         // looked for in the text as it comes
  AddedTokenMatcher normalized_tokens;  // looked for after normalising
};

namespace {

// Added tokens that are marked as normalized match the normalised form of their text.
Status NormalizeContents(const Normalizer& normalizer, std::vector<AddedToken>& tokens) {
  if (normalizer.empty()) return OkStatus();
  for (AddedToken& token : tokens) {
    RegexScratch scratch(token.content.size());
    MAO_ASSIGN_OR_RETURN(token.content, normalizer.Apply(token.content, scratch));
    if (token.content.size() > AddedTokenMatcher::kMaxContentBytes) {
      return OutOfRangeError(fmt::format("a normalised added token of {} bytes, the limit is {}",
                                         token.content.size(),
                                         AddedTokenMatcher::kMaxContentBytes));
    }
  }
  return OkStatus();
}

}  // namespace

// One call of Encode: the stages and their working memory.
class Encoding {
 public:
  Encoding(const TokenizerParts& parts, const BpeModel& bpe, bool parse_special_tokens,
           size_t text_bytes)
      : parts_(parts),
        bpe_(bpe),
        parse_special_tokens_(parse_special_tokens),
        regex_scratch_(text_bytes) {
    ids_.reserve(text_bytes / 3 + 8);
  }

  // `at_start`: the stretch begins where the caller's text does.
  Status AddRawText(std::string_view text, const AddedTokenMatcher& normalized_tokens,
                    bool at_start) {
    if (parts_.normalizer.empty()) return AddNormalizedText(text, normalized_tokens, at_start);
    MAO_ASSIGN_OR_RETURN(const std::string normalized,
                         parts_.normalizer.Apply(text, regex_scratch_));
    return AddNormalizedText(normalized, normalized_tokens, at_start);
  }

  void AddToken(TokenId id) { ids_.push_back(id); }
  std::vector<TokenId> TakeIds() { return std::move(ids_); }

 private:
  Status AddNormalizedText(std::string_view text, const AddedTokenMatcher& tokens, bool at_start) {
    if (!parse_special_tokens_ || tokens.empty()) return AddPlainText(text, at_start);
    for (const TextOrToken& part : tokens.Split(text)) {
      if (part.id != kNoToken) {
        AddToken(part.id);
      } else {
        MAO_RETURN_IF_ERROR(AddPlainText(part.text, at_start && part.text.data() == text.data()));
      }
    }
    return OkStatus();
  }

  Status AddPlainText(std::string_view text, bool at_start) {
    if (text.empty()) return OkStatus();
    PieceList list{std::string(text), {{0, text.size()}}, at_start};
    MAO_RETURN_IF_ERROR(parts_.pre_tokenizer.Apply(list, regex_scratch_));
    for (const TextRange& piece : list.pieces) {
      bpe_.Encode(std::string_view(list.text).substr(piece.begin, piece.size()),
                  parse_special_tokens_, bpe_scratch_, ids_);
    }
    return OkStatus();
  }

  const TokenizerParts& parts_;
  const BpeModel& bpe_;
  const bool parse_special_tokens_;
  RegexScratch regex_scratch_;
  BpeModel::Scratch bpe_scratch_;
  std::vector<TokenId> ids_;
};

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Tokenizer::~Tokenizer() = default;

Result<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(std::string_view json,
                                                       std::string_view name) {
  MAO_ASSIGN_OR_RETURN(TokenizerParts parts, ParseTokenizerJson(json, name));
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalized;
  for (AddedToken& token : parts.added_tokens) {
    (token.normalized ? normalized : raw).push_back(std::move(token));
  }
  MAO_RETURN_IF_ERROR(NormalizeContents(parts.normalizer, normalized).WithContext(name));
  return std::unique_ptr<Tokenizer>(new Tokenizer(
      std::make_unique<const State>(std::move(parts), std::move(raw), std::move(normalized))));
}

Result<std::vector<TokenId>> Tokenizer::Encode(std::string_view text,
                                               const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    return OutOfRangeError(
        fmt::format("a text of {} bytes, the limit is {}", text.size(), kMaxTextBytes));
  }
  std::string repaired;
  if (!IsValidUtf8(text)) {
    AppendLossyUtf8(text, repaired);
    text = repaired;
  }
  const TokenizerParts& parts = state_->parts;
  Encoding encoding(parts, state_->bpe, options.parse_special_tokens, text.size());
  if (options.add_special_tokens) {
    for (const TokenId id : parts.prefix_ids) encoding.AddToken(id);
  }
  std::vector<TextOrToken> stretches{{text, kNoToken}};
  if (options.parse_special_tokens) stretches = state_->raw_tokens.Split(text);
  for (const TextOrToken& stretch : stretches) {
    if (stretch.id != kNoToken) {
      encoding.AddToken(stretch.id);
    } else {
      MAO_RETURN_IF_ERROR(encoding.AddRawText(stretch.text, state_->normalized_tokens,
                                              stretch.text.data() == text.data()));
    }
  }
  if (options.add_special_tokens) {
    for (const TokenId id : parts.suffix_ids) encoding.AddToken(id);
  }
  return encoding.TakeIds();
}

std::string Tokenizer::Decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  IncrementalDetokenizer detokenizer(*this, skip_special_tokens);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Append(id);
  text += detokenizer.Finish();
  return text;
}

std::optional<TokenId> Tokenizer::FindToken(std::string_view token) const {
  return state_->parts.vocabulary.Find(token);
}

std::optional<std::string_view> Tokenizer::TokenText(TokenId id) const {
  return state_->parts.vocabulary.Text(id);
}

std::optional<std::string> Tokenizer::TokenBytes(TokenId id, bool first) const {
  const std::optional<std::string_view> token = TokenText(id);
  if (!token || IsSpecial(id)) return std::nullopt;
  return state_->parts.decoder.TokenBytes(*token, first);
}

Status Tokenizer::CheckTokenBytes() const { return state_->parts.decoder.CheckTokenBytes(); }

bool Tokenizer::IsSpecial(TokenId id) const { return state_->parts.vocabulary.IsSpecial(id); }

size_t Tokenizer::vocab_size() const { return state_->parts.vocabulary.size(); }

const Decoder& Tokenizer::decoder() const { return state_->parts.decoder; }

}  // namespace mao
