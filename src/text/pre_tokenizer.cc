#include "text/pre_tokenizer.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace mao {

namespace {

using Behavior = PreTokenizer::Behavior;

struct Stretch {
  TextRange range;
  bool is_match;
};

// `matches` and what lies between them; together they cover [0, size).
void FillGaps(const std::vector<TextRange>& matches, size_t size, bool invert,
              std::vector<Stretch>& stretches) {
  stretches.clear();
  size_t end = 0;
  for (const TextRange& match : matches) {
    if (end != match.begin) stretches.push_back({{end, match.begin}, invert});
    stretches.push_back({match, !invert});
    end = match.end;
  }
  if (end != size) stretches.push_back({{end, size}, invert});
}

// Whether stretch i starts a new piece rather than continuing the one of stretch i - 1.
bool StartsPiece(const std::vector<Stretch>& stretches, size_t i, Behavior behavior) {
  if (i == 0) return true;
  const bool match = stretches[i].is_match;
  const bool previous = stretches[i - 1].is_match;
  switch (behavior) {
    case Behavior::kMergedWithPrevious:
      return !match || previous;
    case Behavior::kMergedWithNext:
      return match || !previous;
    case Behavior::kContiguous:
      return match != previous;
    case Behavior::kRemoved:
    case Behavior::kIsolated:
      break;
  }
  return true;
}

void AppendPieces(const std::vector<Stretch>& stretches, Behavior behavior, size_t offset,
                  std::vector<TextRange>& pieces) {
  const auto first = static_cast<ptrdiff_t>(pieces.size());
  bool any_empty = false;
  for (size_t i = 0; i < stretches.size(); ++i) {
    const auto& [range, is_match] = stretches[i];
    if (is_match && behavior == Behavior::kRemoved) continue;
    any_empty |= range.size() == 0;
    if (StartsPiece(stretches, i, behavior)) {
      pieces.push_back({offset + range.begin, offset + range.end});
    } else {
      pieces.back().end = offset + range.end;
    }
  }
  // An empty match shapes its neighbours before it goes.
  if (any_empty) {
    pieces.erase(std::remove_if(pieces.begin() + first, pieces.end(),
                                [](const TextRange& piece) { return piece.size() == 0; }),
                 pieces.end());
  }
}

Status ApplyStep(const PreTokenizer::Split& split, PieceList& list, RegexScratch& scratch) {
  std::vector<TextRange> pieces;
  pieces.reserve(list.pieces.size() + list.text.size() / 8);
  std::vector<TextRange> matches;
  std::vector<Stretch> stretches;
  for (const TextRange& piece : list.pieces) {
    const auto text = std::string_view(list.text).substr(piece.begin, piece.size());
    MAO_RETURN_IF_ERROR(split.pattern.FindAll(text, scratch, matches));
    FillGaps(matches, text.size(), split.invert, stretches);
    AppendPieces(stretches, split.behavior, piece.begin, pieces);
  }
  list.pieces = std::move(pieces);
  return OkStatus();
}

// Rebuilds the text with `prefix` in front of the pieces for which `wanted(piece, text)` holds.
template <typename Predicate>
void PrefixPieces(PieceList& list, std::string_view prefix, Predicate wanted) {
  std::string text;
  text.reserve(list.text.size() + list.pieces.size());
  for (TextRange& piece : list.pieces) {
    const auto old = std::string_view(list.text).substr(piece.begin, piece.size());
    const size_t begin = text.size();
    if (wanted(piece, old)) text += prefix;
    text += old;
    piece = {begin, text.size()};
  }
  list.text = std::move(text);
}

Status ApplyStep(const PreTokenizer::PrefixSpace&, PieceList& list, RegexScratch&) {
  PrefixPieces(list, " ",
               [](const TextRange&, std::string_view piece) { return !piece.starts_with(' '); });
  return OkStatus();
}

void ReplaceSpaces(PieceList& list, std::string_view replacement) {
  std::string text;
  text.reserve(list.text.size() * 5 / 4);
  for (TextRange& piece : list.pieces) {
    const auto old = std::string_view(list.text).substr(piece.begin, piece.size());
    const size_t begin = text.size();
    for (const char c : old) {
      if (c == ' ') {
        text += replacement;
      } else {
        text += c;
      }
    }
    piece = {begin, text.size()};
  }
  list.text = std::move(text);
}

Status ApplyStep(const PreTokenizer::Metaspace& metaspace, PieceList& list, RegexScratch& scratch) {
  using Prepend = PreTokenizer::Metaspace::Prepend;
  ReplaceSpaces(list, metaspace.replacement);
  const bool at_start = list.at_start;
  PrefixPieces(list, metaspace.replacement, [&](const TextRange& piece, std::string_view text) {
    if (text.starts_with(metaspace.replacement)) return false;
    return metaspace.prepend == Prepend::kAlways ||
           (metaspace.prepend == Prepend::kFirst && at_start && piece.begin == 0);
  });
  if (!metaspace.split) return OkStatus();
  return ApplyStep(PreTokenizer::Split{Pattern::Literal(metaspace.replacement),
                                       Behavior::kMergedWithNext, false},
                   list, scratch);
}

}  // namespace

Status PreTokenizer::Apply(PieceList& list, RegexScratch& scratch) const {
  for (const Step& step : steps_) {
    MAO_RETURN_IF_ERROR(
        std::visit([&](const auto& s) { return ApplyStep(s, list, scratch); }, step));
  }
  return OkStatus();
}

}  // namespace mao
