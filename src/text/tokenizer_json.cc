// The only file that reads JSON here; each function handles one component of the format.
#include <string>
#include <utility>

#include <fmt/core.h>
#include <simdjson.h>

#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace mao {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// ---- Fields of objects -----------------------------------------------------------------------

// The value, or nothing when the key is absent or null.
std::optional<element> Find(const object& from, std::string_view key) {
  element value;
  if (from.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

template <typename T>
Result<T> As(const element& value, std::string_view what) {
  T result;
  if (value.get(result) != simdjson::SUCCESS) {
    return InvalidArgumentError(fmt::format("{} has the wrong JSON type", what));
  }
  return result;
}

template <typename T>
Result<T> Get(const object& from, std::string_view key) {
  const std::optional<element> value = Find(from, key);
  if (!value) return InvalidArgumentError(fmt::format("\"{}\" is missing", key));
  return As<T>(*value, fmt::format("\"{}\"", key));
}

template <typename T>
Result<T> GetOr(const object& from, std::string_view key, T fallback) {
  if (!Find(from, key)) return fallback;
  return Get<T>(from, key);
}

// A string of exactly one character.
Result<char32_t> GetCharacter(const object& from, std::string_view key) {
  MAO_ASSIGN_OR_RETURN(const std::string_view text, Get<std::string_view>(from, key));
  if (text.empty() || DecodeUtf8(text, 0).size != text.size()) {
    return InvalidArgumentError(fmt::format("\"{}\" is not one character", key));
  }
  return DecodeUtf8(text, 0).code_point;
}

Result<size_t> GetCount(const object& from, std::string_view key) {
  MAO_ASSIGN_OR_RETURN(const int64_t count, Get<int64_t>(from, key));
  if (count < 0) return InvalidArgumentError(fmt::format("\"{}\" is negative", key));
  return static_cast<size_t>(count);
}

Result<Pattern> GetPattern(const object& from) {
  MAO_ASSIGN_OR_RETURN(const object pattern, Get<object>(from, "pattern"));
  if (Find(pattern, "Regex")) {
    MAO_ASSIGN_OR_RETURN(const std::string_view regex, Get<std::string_view>(pattern, "Regex"));
    return Pattern::FromRegex(regex);
  }
  MAO_ASSIGN_OR_RETURN(const std::string_view literal, Get<std::string_view>(pattern, "String"));
  return Pattern::Literal(literal);
}

// A text that normalizers and decoders put into other texts.
Result<std::string> GetInsertion(const object& from, std::string_view key) {
  MAO_ASSIGN_OR_RETURN(const std::string_view text, Get<std::string_view>(from, key));
  if (text.size() > kMaxInsertedBytes) {
    return OutOfRangeError(
        fmt::format("\"{}\" has {} bytes, the limit is {}", key, text.size(), kMaxInsertedBytes));
  }
  return std::string(text);
}

// Pattern and content of a Replace, which normalizers and decoders share.
struct Replacement {
  Pattern pattern;
  std::string content;
};

Result<Replacement> GetReplacement(const object& from) {
  MAO_ASSIGN_OR_RETURN(Pattern pattern, GetPattern(from));
  MAO_ASSIGN_OR_RETURN(std::string content, GetInsertion(from, "content"));
  MAO_ASSIGN_OR_RETURN(const object form, Get<object>(from, "pattern"));
  if (Find(form, "Regex") && content.find('$') != std::string::npos) {
    return UnimplementedError("Replace with group references");
  }
  return Replacement{std::move(pattern), std::move(content)};
}

// Calls `visit(type, component)` for a component, or for each one inside nested Sequences.
// kind: as in "pre_tokenizer"; list_key: where a Sequence of this kind keeps its members.
template <typename Visit>
Status ForEachStep(const element& component, std::string_view kind, std::string_view list_key,
                   size_t& num_steps, const Visit& visit) {
  MAO_ASSIGN_OR_RETURN(const object fields, As<object>(component, kind));
  MAO_ASSIGN_OR_RETURN(const std::string_view type, Get<std::string_view>(fields, "type"));
  if (type != "Sequence") {
    if (++num_steps > kMaxTokenizerSteps) {
      return OutOfRangeError(fmt::format("more than {} steps", kMaxTokenizerSteps));
    }
    return visit(type, fields).WithContext(type);
  }
  MAO_ASSIGN_OR_RETURN(const array members, Get<array>(fields, list_key));
  for (const element member : members) {
    MAO_RETURN_IF_ERROR(ForEachStep(member, kind, list_key, num_steps, visit));
  }
  return OkStatus();
}

template <typename Visit>
Status ForEachStep(const object& root, std::string_view kind, std::string_view list_key,
                   const Visit& visit) {
  const std::optional<element> component = Find(root, kind);
  if (!component) return OkStatus();
  size_t num_steps = 0;
  return ForEachStep(*component, kind, list_key, num_steps, visit).WithContext(kind);
}

Status UnsupportedType(std::string_view type) {
  return UnimplementedError(fmt::format("type '{}' is not supported", type));
}

// ---- Normalizer ------------------------------------------------------------------------------

Result<Normalizer::Step> ParseNormalizer(std::string_view type, const object& fields) {
  using Step = Normalizer::Step;
  if (type == "NFC") return Step(UnicodeForm::kNfc);
  if (type == "NFD") return Step(UnicodeForm::kNfd);
  if (type == "NFKC") return Step(UnicodeForm::kNfkc);
  if (type == "NFKD") return Step(UnicodeForm::kNfkd);
  if (type == "Prepend") {
    MAO_ASSIGN_OR_RETURN(std::string text, GetInsertion(fields, "prepend"));
    return Step(Normalizer::Prepend{std::move(text)});
  }
  if (type == "Replace") {
    MAO_ASSIGN_OR_RETURN(Replacement replacement, GetReplacement(fields));
    return Step(
        Normalizer::Replace{std::move(replacement.pattern), std::move(replacement.content)});
  }
  return UnsupportedType(type);
}

Result<Normalizer> ParseNormalizers(const object& root) {
  std::vector<Normalizer::Step> steps;
  MAO_RETURN_IF_ERROR(ForEachStep(
      root, "normalizer", "normalizers", [&](std::string_view type, const object& fields) {
        MAO_ASSIGN_OR_RETURN(Normalizer::Step step, ParseNormalizer(type, fields));
        steps.push_back(std::move(step));
        return OkStatus();
      }));
  return Normalizer(std::move(steps));
}

// ---- Pre-tokenizer ---------------------------------------------------------------------------

Result<PreTokenizer::Behavior> ParseBehavior(std::string_view name) {
  using Behavior = PreTokenizer::Behavior;
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  return UnimplementedError(fmt::format("behavior '{}' is not supported", name));
}

Result<PreTokenizer::Step> ParseSplit(const object& fields) {
  MAO_ASSIGN_OR_RETURN(Pattern pattern, GetPattern(fields));
  MAO_ASSIGN_OR_RETURN(const std::string_view name, Get<std::string_view>(fields, "behavior"));
  MAO_ASSIGN_OR_RETURN(const PreTokenizer::Behavior behavior, ParseBehavior(name));
  MAO_ASSIGN_OR_RETURN(const bool invert, GetOr(fields, "invert", false));
  return PreTokenizer::Step(PreTokenizer::Split{std::move(pattern), behavior, invert});
}

Result<PreTokenizer::Step> RegexSplit(std::string_view regex, PreTokenizer::Behavior behavior) {
  MAO_ASSIGN_OR_RETURN(Pattern pattern, Pattern::FromRegex(regex));
  return PreTokenizer::Step(PreTokenizer::Split{std::move(pattern), behavior, false});
}

Result<PreTokenizer::Step> ParseDigits(const object& fields) {
  using Behavior = PreTokenizer::Behavior;
  MAO_ASSIGN_OR_RETURN(const bool individual, GetOr(fields, "individual_digits", false));
  return RegexSplit("\\p{N}", individual ? Behavior::kIsolated : Behavior::kContiguous);
}

// "prepend_scheme" since tokenizers 0.19, "add_prefix_space" before.
Result<PreTokenizer::Metaspace::Prepend> ParsePrependScheme(const object& fields) {
  using Prepend = PreTokenizer::Metaspace::Prepend;
  MAO_ASSIGN_OR_RETURN(const bool add_prefix_space, GetOr(fields, "add_prefix_space", true));
  MAO_ASSIGN_OR_RETURN(
      const std::string_view scheme,
      GetOr<std::string_view>(fields, "prepend_scheme", add_prefix_space ? "always" : "never"));
  if (scheme == "always") return Prepend::kAlways;
  if (scheme == "first") return Prepend::kFirst;
  if (scheme == "never") return Prepend::kNever;
  return UnimplementedError(fmt::format("prepend_scheme '{}' is not supported", scheme));
}

Result<PreTokenizer::Step> ParseMetaspace(const object& fields) {
  PreTokenizer::Metaspace metaspace;
  MAO_ASSIGN_OR_RETURN(const char32_t replacement, GetCharacter(fields, "replacement"));
  AppendUtf8(replacement, metaspace.replacement);
  MAO_ASSIGN_OR_RETURN(metaspace.prepend, ParsePrependScheme(fields));
  MAO_ASSIGN_OR_RETURN(metaspace.split, GetOr(fields, "split", true));
  return PreTokenizer::Step(std::move(metaspace));
}

Result<PreTokenizer::Step> ParsePreTokenizer(std::string_view type, const object& fields) {
  if (type == "Split") return ParseSplit(fields);
  if (type == "Digits") return ParseDigits(fields);
  if (type == "Metaspace") return ParseMetaspace(fields);
  return UnsupportedType(type);
}

Status AppendByteLevelSteps(const object& fields, std::vector<PreTokenizer::Step>& steps) {
  MAO_ASSIGN_OR_RETURN(const bool prefix_space, GetOr(fields, "add_prefix_space", true));
  MAO_ASSIGN_OR_RETURN(const bool use_regex, GetOr(fields, "use_regex", true));
  if (prefix_space) steps.push_back(PreTokenizer::PrefixSpace{});
  if (!use_regex) return OkStatus();
  MAO_ASSIGN_OR_RETURN(PreTokenizer::Step split,
                       RegexSplit(PreTokenizer::kGpt2Regex, PreTokenizer::Behavior::kIsolated));
  steps.push_back(std::move(split));
  return OkStatus();
}

// byte_level: whether the pieces end up in the byte-level spelling.
Result<PreTokenizer> ParsePreTokenizers(const object& root, bool& byte_level) {
  std::vector<PreTokenizer::Step> steps;
  byte_level = false;
  MAO_RETURN_IF_ERROR(ForEachStep(
      root, "pre_tokenizer", "pretokenizers", [&](std::string_view type, const object& fields) {
        if (byte_level) return UnimplementedError("a pre-tokenizer after ByteLevel");
        if (type == "ByteLevel") {
          byte_level = true;
          return AppendByteLevelSteps(fields, steps);
        }
        MAO_ASSIGN_OR_RETURN(PreTokenizer::Step step, ParsePreTokenizer(type, fields));
        steps.push_back(std::move(step));
        return OkStatus();
      }));
  return PreTokenizer(std::move(steps));
}

// ---- Decoder ---------------------------------------------------------------------------------

Result<Decoder::Step> ParseStrip(const object& fields) {
  MAO_ASSIGN_OR_RETURN(const char32_t content, GetCharacter(fields, "content"));
  MAO_ASSIGN_OR_RETURN(const size_t start, GetCount(fields, "start"));
  MAO_ASSIGN_OR_RETURN(const size_t stop, GetCount(fields, "stop"));
  return Decoder::Step(Decoder::Strip{content, start, stop});
}

Result<Decoder::Step> ParseDecoder(std::string_view type, const object& fields) {
  using Step = Decoder::Step;
  if (type == "ByteLevel") return Step(Decoder::ByteLevel{});
  if (type == "ByteFallback") return Step(Decoder::ByteFallback{});
  if (type == "Fuse") return Step(Decoder::Fuse{});
  if (type == "Strip") return ParseStrip(fields);
  if (type == "Replace") {
    MAO_ASSIGN_OR_RETURN(Replacement replacement, GetReplacement(fields));
    return Step(Decoder::Replace{std::move(replacement.pattern), std::move(replacement.content)});
  }
  if (type == "Metaspace") {
    MAO_ASSIGN_OR_RETURN(const char32_t replacement, GetCharacter(fields, "replacement"));
    MAO_ASSIGN_OR_RETURN(const auto prepend, ParsePrependScheme(fields));
    return Step(
        Decoder::Metaspace{replacement, prepend != PreTokenizer::Metaspace::Prepend::kNever});
  }
  return UnsupportedType(type);
}

Result<Decoder> ParseDecoders(const object& root) {
  std::vector<Decoder::Step> steps;
  if (!Find(root, "decoder")) steps.push_back(Decoder::JoinWithSpaces{});
  MAO_RETURN_IF_ERROR(
      ForEachStep(root, "decoder", "decoders", [&](std::string_view type, const object& fields) {
        MAO_ASSIGN_OR_RETURN(Decoder::Step step, ParseDecoder(type, fields));
        steps.push_back(std::move(step));
        return OkStatus();
      }));
  return Decoder::Create(std::move(steps));
}

// ---- Model and vocabulary --------------------------------------------------------------------

Status ParseVocabulary(const object& model, Vocabulary& vocabulary) {
  MAO_ASSIGN_OR_RETURN(const object vocab, Get<object>(model, "vocab"));
  vocabulary.Reserve(vocab.size());
  for (const auto [text, value] : vocab) {
    int64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS) {
      return InvalidArgumentError(fmt::format("the id of token '{}' is no integer", text));
    }
    MAO_RETURN_IF_ERROR(vocabulary.AddModelToken(text, id));
  }
  return OkStatus();
}

// A merge is "left right" or ["left", "right"].
Result<std::pair<std::string_view, std::string_view>> SplitMerge(const element& merge) {
  std::string_view text;
  if (merge.get(text) == simdjson::SUCCESS) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return InvalidArgumentError(fmt::format("'{}' is no pair of tokens", text));
    }
    return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  array pair;
  std::string_view left;
  std::string_view right;
  if (merge.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) {
    return InvalidArgumentError("neither a string nor a pair of strings");
  }
  return std::pair(left, right);
}

Result<MergeRule> ParseMerge(const element& merge, const Vocabulary& vocabulary) {
  MAO_ASSIGN_OR_RETURN(const auto pair, SplitMerge(merge));
  const std::string joined = std::string(pair.first) + std::string(pair.second);
  const MergeRule rule{vocabulary.FindModelToken(pair.first),
                       vocabulary.FindModelToken(pair.second), vocabulary.FindModelToken(joined)};
  if (rule.left == kNoToken || rule.right == kNoToken || rule.result == kNoToken) {
    return InvalidArgumentError(
        fmt::format("'{}' + '{}': a token that is not in the vocabulary", pair.first, pair.second));
  }
  return rule;
}

Status ParseMerges(const object& model, TokenizerParts& parts) {
  MAO_ASSIGN_OR_RETURN(const array merges, Get<array>(model, "merges"));
  for (const element merge : merges) {
    std::string_view text;
    if (merge.get(text) == simdjson::SUCCESS && text.starts_with("#version")) continue;
    const size_t index = parts.merge_rules.size();
    if (index == kMaxMerges) {
      return OutOfRangeError(fmt::format("more than {} merges", kMaxMerges));
    }
    Result<MergeRule> rule = ParseMerge(merge, parts.vocabulary);
    if (!rule.ok()) return rule.status().WithContext(fmt::format("merge {}", index));
    parts.merge_rules.push_back(*rule);
  }
  return OkStatus();
}

Status CheckUnsupportedBpeOptions(const object& model) {
  MAO_ASSIGN_OR_RETURN(const std::string_view type, GetOr<std::string_view>(model, "type", "BPE"));
  if (type != "BPE") return UnsupportedType(type);
  MAO_ASSIGN_OR_RETURN(const double dropout, GetOr<double>(model, "dropout", 0.0));
  if (dropout != 0.0) return UnimplementedError("dropout is not supported");
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    MAO_ASSIGN_OR_RETURN(const std::string_view affix, GetOr<std::string_view>(model, key, ""));
    if (!affix.empty()) return UnimplementedError(fmt::format("{} is not supported", key));
  }
  return OkStatus();
}

Status ParseModel(const object& root, TokenizerParts& parts) {
  MAO_ASSIGN_OR_RETURN(const object model, Get<object>(root, "model"));
  MAO_RETURN_IF_ERROR(CheckUnsupportedBpeOptions(model));
  MAO_RETURN_IF_ERROR(ParseVocabulary(model, parts.vocabulary));
  MAO_RETURN_IF_ERROR(ParseMerges(model, parts));
  BpeOptions& options = parts.bpe_options;
  MAO_ASSIGN_OR_RETURN(options.ignore_merges, GetOr(model, "ignore_merges", false));
  MAO_ASSIGN_OR_RETURN(options.byte_fallback, GetOr(model, "byte_fallback", false));
  MAO_ASSIGN_OR_RETURN(options.fuse_unk, GetOr(model, "fuse_unk", false));
  MAO_ASSIGN_OR_RETURN(const std::string_view unk, GetOr<std::string_view>(model, "unk_token", ""));
  options.unk_id = parts.vocabulary.FindModelToken(unk);
  if (!unk.empty() && options.unk_id == kNoToken) {
    return InvalidArgumentError(fmt::format("unk_token '{}' is not in the vocabulary", unk));
  }
  return OkStatus();
}

Result<AddedToken> ParseAddedToken(const element& value, Vocabulary& vocabulary) {
  MAO_ASSIGN_OR_RETURN(const object fields, As<object>(value, "an added token"));
  AddedToken token;
  MAO_ASSIGN_OR_RETURN(const std::string_view content, Get<std::string_view>(fields, "content"));
  if (content.size() > AddedTokenMatcher::kMaxContentBytes) {
    return OutOfRangeError(fmt::format("an added token of {} bytes, the limit is {}",
                                       content.size(), AddedTokenMatcher::kMaxContentBytes));
  }
  token.content = content;
  MAO_ASSIGN_OR_RETURN(const int64_t id, Get<int64_t>(fields, "id"));
  MAO_ASSIGN_OR_RETURN(token.special, GetOr(fields, "special", false));
  MAO_ASSIGN_OR_RETURN(token.normalized, GetOr(fields, "normalized", !token.special));
  MAO_ASSIGN_OR_RETURN(token.single_word, GetOr(fields, "single_word", false));
  MAO_ASSIGN_OR_RETURN(token.lstrip, GetOr(fields, "lstrip", false));
  MAO_ASSIGN_OR_RETURN(token.rstrip, GetOr(fields, "rstrip", false));
  MAO_RETURN_IF_ERROR(vocabulary.AddAddedToken(content, id, token.special));
  token.id = static_cast<TokenId>(id);
  return token;
}

Status ParseAddedTokens(const object& root, TokenizerParts& parts) {
  if (!Find(root, "added_tokens")) return OkStatus();
  MAO_ASSIGN_OR_RETURN(const array tokens, Get<array>(root, "added_tokens"));
  for (const element value : tokens) {
    if (parts.added_tokens.size() == kMaxAddedTokens) {
      return OutOfRangeError(fmt::format("more than {} added tokens", kMaxAddedTokens));
    }
    MAO_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken(value, parts.vocabulary));
    parts.added_tokens.push_back(std::move(token));
  }
  return OkStatus();
}

// ---- Post-processor --------------------------------------------------------------------------

Status AppendTemplateIds(const object& fields, std::string_view name, const Vocabulary& vocabulary,
                         std::vector<TokenId>& ids) {
  MAO_ASSIGN_OR_RETURN(const object known, Get<object>(fields, "special_tokens"));
  MAO_ASSIGN_OR_RETURN(const object token, Get<object>(known, name));
  MAO_ASSIGN_OR_RETURN(const array values, Get<array>(token, "ids"));
  for (const element value : values) {
    MAO_ASSIGN_OR_RETURN(const int64_t id, As<int64_t>(value, "an id of \"special_tokens\""));
    if (id < 0 || id > Vocabulary::kMaxId || !vocabulary.Text(static_cast<TokenId>(id))) {
      return InvalidArgumentError(fmt::format("id {} of '{}' is not in the vocabulary", id, name));
    }
    ids.push_back(static_cast<TokenId>(id));
  }
  return OkStatus();
}

Status ParseTemplate(const object& fields, TokenizerParts& parts) {
  bool seen_text = false;
  MAO_ASSIGN_OR_RETURN(const array single, Get<array>(fields, "single"));
  for (const element value : single) {
    MAO_ASSIGN_OR_RETURN(const object item, As<object>(value, "an item of \"single\""));
    if (Find(item, "Sequence")) {
      if (std::exchange(seen_text, true)) return UnimplementedError("a template with two texts");
      continue;
    }
    MAO_ASSIGN_OR_RETURN(const object token, Get<object>(item, "SpecialToken"));
    MAO_ASSIGN_OR_RETURN(const std::string_view name, Get<std::string_view>(token, "id"));
    MAO_RETURN_IF_ERROR(AppendTemplateIds(fields, name, parts.vocabulary,
                                          seen_text ? parts.suffix_ids : parts.prefix_ids));
  }
  return seen_text ? OkStatus() : InvalidArgumentError("a template without the text");
}

Status ParsePostProcessors(const object& root, TokenizerParts& parts) {
  bool has_template = false;
  return ForEachStep(root, "post_processor", "processors",
                     [&](std::string_view type, const object& fields) {
                       // It only moves offsets, which are not computed here.
                       if (type == "ByteLevel") return OkStatus();
                       if (type != "TemplateProcessing") return UnsupportedType(type);
                       if (std::exchange(has_template, true))
                         return UnimplementedError("a second template");
                       return ParseTemplate(fields, parts);
                     });
}

Result<TokenizerParts> ParseRoot(const object& root) {
  bool byte_level = false;
  MAO_ASSIGN_OR_RETURN(Normalizer normalizer, ParseNormalizers(root));
  MAO_ASSIGN_OR_RETURN(PreTokenizer pre_tokenizer, ParsePreTokenizers(root, byte_level));
  Result<Decoder> decoder = ParseDecoders(root);
  if (!decoder.ok()) return decoder.status();
  TokenizerParts parts{.vocabulary = {},
                       .merge_rules = {},
                       .bpe_options = {},
                       .added_tokens = {},
                       .normalizer = std::move(normalizer),
                       .pre_tokenizer = std::move(pre_tokenizer),
                       .decoder = std::move(*decoder),
                       .prefix_ids = {},
                       .suffix_ids = {}};
  MAO_RETURN_IF_ERROR(ParseModel(root, parts).WithContext("model"));
  parts.bpe_options.byte_level = byte_level;
  MAO_RETURN_IF_ERROR(ParseAddedTokens(root, parts).WithContext("added_tokens"));
  MAO_RETURN_IF_ERROR(ParsePostProcessors(root, parts));
  return parts;
}

}  // namespace

Result<TokenizerParts> ParseTokenizerJson(std::string_view json, std::string_view name) {
  if (json.size() > kMaxTokenizerJsonBytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes, the limit for a tokenizer.json is {}", name,
                                       json.size(), kMaxTokenizerJsonBytes));
  }
  simdjson::dom::parser parser(kMaxTokenizerJsonBytes);
  simdjson::error_code error = parser.allocate(json.size(), kMaxJsonDepth);
  element root;
  if (error == simdjson::SUCCESS) error = parser.parse(json.data(), json.size()).get(root);
  if (error == simdjson::DEPTH_ERROR) {
    return OutOfRangeError(
        fmt::format("{}: nested deeper than the limit of {}", name, kMaxJsonDepth));
  }
  if (error != simdjson::SUCCESS) {
    return DataLossError(fmt::format("{}: {}", name, simdjson::error_message(error)));
  }
  object fields;
  if (root.get(fields) != simdjson::SUCCESS) {
    return InvalidArgumentError(fmt::format("{}: the JSON is no object", name));
  }
  Result<TokenizerParts> parts = ParseRoot(fields);
  if (!parts.ok()) return parts.status().WithContext(name);
  return parts;
}

}  // namespace mao
