// Sets of characters and their UTF-8, for expressions that are matched byte by byte.
#ifndef MAOOCR_ENGINE_CONSTRAINT_CODE_POINT_SET_H_
#define MAOOCR_ENGINE_CONSTRAINT_CODE_POINT_SET_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace mao {

struct CodePointRange {
  char32_t first;
  char32_t last;  // inclusive
  bool operator==(const CodePointRange&) const = default;
};

// Unicode scalar values: surrogates are never in a set.
class CodePointSet {
 public:
  CodePointSet() = default;
  // In any order; surrogates are left out.
  explicit CodePointSet(std::vector<CodePointRange> ranges);
  CodePointSet(std::initializer_list<CodePointRange> ranges)
      : CodePointSet(std::vector<CodePointRange>(ranges)) {}
  static CodePointSet All();

  CodePointSet Complement() const;
  CodePointSet Minus(const CodePointSet& other) const;

  bool empty() const { return ranges_.empty(); }
  bool Contains(char32_t c) const;
  // Ascending, neither overlapping nor adjacent.
  std::span<const CodePointRange> ranges() const { return ranges_; }

 private:
  std::vector<CodePointRange> ranges_;
};

struct ByteRange {
  uint8_t first;
  uint8_t last;  // inclusive
};

// Strings of `size` bytes, each byte from its range.
struct Utf8Sequence {
  std::array<ByteRange, 4> bytes;
  int size = 0;
};

// Sequences that together spell exactly the characters of the set.
std::vector<Utf8Sequence> Utf8SequencesOf(const CodePointSet& set);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_CODE_POINT_SET_H_
