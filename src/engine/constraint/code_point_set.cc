#include "engine/constraint/code_point_set.h"

#include <algorithm>
#include <utility>

namespace mao {
namespace {

constexpr char32_t kMaxCodePoint = 0x10FFFF;
constexpr char32_t kFirstSurrogate = 0xD800;
constexpr char32_t kLastSurrogate = 0xDFFF;

int Utf8Bytes(char32_t c, std::array<uint8_t, 4>& bytes) {
  const auto tail = [c](int shift) { return static_cast<uint8_t>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    bytes = {static_cast<uint8_t>(c)};
    return 1;
  }
  if (c < 0x800) {
    bytes = {static_cast<uint8_t>(0xC0 | (c >> 6)), tail(0)};
    return 2;
  }
  if (c < 0x10000) {
    bytes = {static_cast<uint8_t>(0xE0 | (c >> 12)), tail(6), tail(0)};
    return 3;
  }
  bytes = {static_cast<uint8_t>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
  return 4;
}

// Cuts a range until all its characters have equally many bytes and, below the first byte that
// differs, all continuation bytes are free (as utf8-ranges of Rust's regex does).
void AppendSequences(char32_t first, char32_t last, std::vector<Utf8Sequence>& out) {
  for (const char32_t end : {char32_t{0x7F}, char32_t{0x7FF}, char32_t{0xFFFF}}) {
    if (first <= end && end < last) {
      AppendSequences(first, end, out);
      AppendSequences(end + 1, last, out);
      return;
    }
  }
  if (last >= 0x80) {
    for (int i = 1; i < 4; ++i) {
      const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
      if ((first & ~low_bits) == (last & ~low_bits)) continue;
      if ((first & low_bits) != 0) {
        AppendSequences(first, first | low_bits, out);
        AppendSequences((first | low_bits) + 1, last, out);
        return;
      }
      if ((last & low_bits) != low_bits) {
        AppendSequences(first, (last & ~low_bits) - 1, out);
        AppendSequences(last & ~low_bits, last, out);
        return;
      }
    }
  }
  std::array<uint8_t, 4> low{};
  std::array<uint8_t, 4> high{};
  Utf8Sequence sequence;
  sequence.size = Utf8Bytes(first, low);
  Utf8Bytes(last, high);
  for (int i = 0; i < sequence.size; ++i) sequence.bytes[i] = {low[i], high[i]};
  out.push_back(sequence);
}

}  // namespace

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CodePointRange& a, const CodePointRange& b) { return a.first < b.first; });
  const auto append = [this](char32_t first, char32_t last) {
    if (first > last) return;
    if (!ranges_.empty() && first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, last);
    } else {
      ranges_.push_back({first, last});
    }
  };
  for (const CodePointRange& range : ranges) {
    append(range.first, std::min<char32_t>(range.last, kFirstSurrogate - 1));
    append(std::max<char32_t>(range.first, kLastSurrogate + 1),
           std::min(range.last, kMaxCodePoint));
  }
}

CodePointSet CodePointSet::All() { return {{0, kMaxCodePoint}}; }

CodePointSet CodePointSet::Complement() const {
  std::vector<CodePointRange> gaps;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kMaxCodePoint) gaps.push_back({next, kMaxCodePoint});
  return CodePointSet(std::move(gaps));
}

CodePointSet CodePointSet::Minus(const CodePointSet& other) const {
  std::vector<CodePointRange> rest(other.ranges_);
  const CodePointSet complement = Complement();
  rest.insert(rest.end(), complement.ranges_.begin(), complement.ranges_.end());
  return CodePointSet(std::move(rest)).Complement();
}

bool CodePointSet::Contains(char32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [c](const CodePointRange& range) {
    return range.first <= c && c <= range.last;
  });
}

std::vector<Utf8Sequence> Utf8SequencesOf(const CodePointSet& set) {
  std::vector<Utf8Sequence> sequences;
  for (const CodePointRange& range : set.ranges()) {
    AppendSequences(range.first, range.last, sequences);
  }
  return sequences;
}

}  // namespace mao
