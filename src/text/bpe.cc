#include "text/bpe.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "text/byte_level.h"
#include "text/utf8.h"

namespace mao {

namespace {

using Symbol = BpeModel::Scratch::Symbol;

// Up to here, scanning all ranks for the lowest beats keeping a heap.
constexpr size_t kMaxShortPiece = 96;

std::string ByteLevelText(uint8_t byte) {
  std::string text;
  AppendUtf8(ByteLevelChar(byte), text);
  return text;
}

}  // namespace

// Collects the symbols of a piece; unknown characters wait, because they may be fused.
class BpeModel::SymbolWriter {
 public:
  SymbolWriter(const BpeModel& model, std::vector<Symbol>& symbols)
      : model_(model), symbols_(symbols) {}

  void Known(TokenId id) {
    Flush();
    Push(id);
  }

  void Unknown(std::string_view character) {
    if (model_.options_.byte_fallback && PushBytes(character)) return;
    if (model_.options_.unk_id == kNoToken) return;
    if (!model_.options_.fuse_unk) Flush();
    unk_waits_ = true;
  }

  void Flush() {
    if (unk_waits_) Push(model_.options_.unk_id);
    unk_waits_ = false;
  }

 private:
  void Push(TokenId id) { symbols_.push_back({id, MergeTable::kNoRank, -1, -1}); }

  // False, and nothing pushed, unless the vocabulary has a token for each byte. A waiting unknown
  // character stays behind the bytes, as in the reference.
  bool PushBytes(std::string_view character) {
    const auto id_of = [this](char byte) {
      return model_.fallback_ids_[static_cast<unsigned char>(byte)];
    };
    if (std::any_of(character.begin(), character.end(),
                    [&](char byte) { return id_of(byte) == kNoToken; })) {
      return false;
    }
    for (const char byte : character) Push(id_of(byte));
    return true;
  }

  const BpeModel& model_;
  std::vector<Symbol>& symbols_;
  bool unk_waits_ = false;
};

BpeModel::BpeModel(const Vocabulary& vocabulary, std::vector<MergeRule> rules,
                   const BpeOptions& options)
    : vocabulary_(vocabulary), options_(options), merges_(std::move(rules)) {
  for (size_t byte = 0; byte < 256; ++byte) {
    byte_symbols_[byte] = vocabulary.FindModelToken(ByteLevelText(static_cast<uint8_t>(byte)));
    fallback_ids_[byte] = vocabulary.FindModelToken(fmt::format("<0x{:02X}>", byte));
  }
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::optional<std::string_view> text = vocabulary.Text(id);
    if (!text || text->empty() || vocabulary.FindModelToken(*text) == kNoToken) continue;
    has_special_ |= vocabulary.IsSpecial(id);
    const Utf8Char first = DecodeUtf8(*text, 0);
    if (first.size == text->size()) character_symbols_.emplace(first.code_point, id);
  }
}

TokenId BpeModel::SymbolOf(std::string_view character, char32_t code_point) const {
  if (options_.byte_level) return byte_symbols_[static_cast<unsigned char>(character[0])];
  const auto it = character_symbols_.find(code_point);
  return it != character_symbols_.end() ? it->second : kNoToken;
}

void BpeModel::InitialSymbols(std::string_view piece, bool allow_special, Scratch& scratch) const {
  scratch.symbols.clear();
  SymbolWriter writer(*this, scratch.symbols);
  for (size_t pos = 0; pos < piece.size();) {
    Utf8Char c{Utf8Char::Kind::kValid, 0, 1};
    if (!options_.byte_level) c = DecodeUtf8(piece, pos);
    const std::string_view character = piece.substr(pos, c.size);
    const TokenId id = SymbolOf(character, c.code_point);
    if (id != kNoToken && (allow_special || !vocabulary_.IsSpecial(id))) {
      writer.Known(id);
    } else if (options_.byte_level) {
      writer.Unknown(ByteLevelText(static_cast<uint8_t>(character[0])));
    } else {
      writer.Unknown(character);
    }
    pos += c.size;
  }
  writer.Flush();
}

uint32_t BpeModel::JoinRank(TokenId left, TokenId right, bool allow_special) const {
  const uint32_t rank = merges_.Rank(left, right);
  if (allow_special || rank == MergeTable::kNoRank) return rank;
  return vocabulary_.IsSpecial(merges_.ResultOf(rank)) ? MergeTable::kNoRank : rank;
}

// Joins the leftmost pair of lowest rank until none is left.
void BpeModel::MergeShort(bool allow_special, Scratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  size_t count = symbols.size();
  const auto update = [&](size_t i) {
    symbols[i].rank = i + 1 < count ? JoinRank(symbols[i].id, symbols[i + 1].id, allow_special)
                                    : MergeTable::kNoRank;
  };
  for (size_t i = 0; i < count; ++i) update(i);
  while (true) {
    const auto end = symbols.begin() + static_cast<ptrdiff_t>(count);
    const auto best = std::min_element(
        symbols.begin(), end, [](const Symbol& a, const Symbol& b) { return a.rank < b.rank; });
    if (best->rank == MergeTable::kNoRank) break;
    best->id = merges_.ResultOf(best->rank);
    std::move(best + 2, end, best + 1);
    --count;
    const auto i = static_cast<size_t>(best - symbols.begin());
    update(i);
    if (i > 0) update(i - 1);
  }
  symbols.resize(count);
}

// The same with a heap of (rank, position), entries of which go stale when a neighbour changes, and
// with the symbols as a linked list.
void BpeModel::MergeLong(bool allow_special, Scratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  std::vector<uint64_t>& heap = scratch.heap;
  const auto symbol = [&](int32_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  const auto update = [&](int32_t i) {
    Symbol& s = symbol(i);
    s.rank = s.next >= 0 ? JoinRank(s.id, symbol(s.next).id, allow_special) : MergeTable::kNoRank;
    if (s.rank == MergeTable::kNoRank) return false;
    heap.push_back((uint64_t{s.rank} << 32) | static_cast<uint32_t>(i));
    return true;
  };
  const auto push = [&](int32_t i) {
    if (update(i)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };

  const auto count = static_cast<int32_t>(symbols.size());
  heap.clear();
  for (int32_t i = 0; i < count; ++i) {
    symbol(i).previous = i - 1;
    symbol(i).next = i + 1 < count ? i + 1 : -1;
  }
  for (int32_t i = 0; i < count; ++i) update(i);
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const auto position = static_cast<int32_t>(heap.back() & UINT32_MAX);
    const auto rank = static_cast<uint32_t>(heap.back() >> 32);
    heap.pop_back();
    Symbol& left = symbol(position);
    if (left.rank != rank) continue;
    Symbol& right = symbol(left.next);
    left.id = merges_.ResultOf(rank);
    left.next = right.next;
    if (right.next >= 0) symbol(right.next).previous = position;
    right.id = kNoToken;
    right.rank = MergeTable::kNoRank;
    push(position);
    if (left.previous >= 0) push(left.previous);
  }
  std::erase_if(symbols, [](const Symbol& s) { return s.id == kNoToken; });
}

void BpeModel::Encode(std::string_view piece, bool allow_special, Scratch& scratch,
                      std::vector<TokenId>& ids) const {
  allow_special |= !has_special_;
  if (options_.ignore_merges) {
    const TokenId id = options_.byte_level ? vocabulary_.FindModelToken(ByteLevelEncoded(piece))
                                           : vocabulary_.FindModelToken(piece);
    if (id != kNoToken && (allow_special || !vocabulary_.IsSpecial(id))) {
      ids.push_back(id);
      return;
    }
  }
  InitialSymbols(piece, allow_special, scratch);
  if (scratch.symbols.size() > kMaxShortPiece) {
    MergeLong(allow_special, scratch);
  } else if (scratch.symbols.size() > 1) {
    MergeShort(allow_special, scratch);
  }
  for (const Symbol& symbol : scratch.symbols) ids.push_back(symbol.id);
}

}  // namespace mao
