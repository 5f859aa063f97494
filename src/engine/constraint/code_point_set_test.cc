#include "engine/constraint/code_point_set.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace mao {
namespace {

constexpr char32_t kLast = 0x10FFFF;

bool Spells(const std::vector<Utf8Sequence>& sequences, const std::string& bytes) {
  for (const Utf8Sequence& sequence : sequences) {
    bool fits = sequence.size == static_cast<int>(bytes.size());
    for (int i = 0; fits && i < sequence.size; ++i) {
      const auto byte = static_cast<uint8_t>(bytes[i]);
      fits = sequence.bytes[i].first <= byte && byte <= sequence.bytes[i].last;
    }
    if (fits) return true;
  }
  return false;
}

// How many strings the sequences spell, each counted as often as it is spelled.
uint64_t CountSpellings(const std::vector<Utf8Sequence>& sequences) {
  uint64_t count = 0;
  for (const Utf8Sequence& sequence : sequences) {
    uint64_t product = 1;
    for (int i = 0; i < sequence.size; ++i) {
      product *= sequence.bytes[i].last - sequence.bytes[i].first + 1;
    }
    count += product;
  }
  return count;
}

TEST(CodePointSetTest, UnionsAndComplementsLeaveSurrogatesOut) {
  EXPECT_EQ(CodePointSet::All().ranges().size(), 2u);
  EXPECT_TRUE(CodePointSet::All().Complement().empty());
  const CodePointSet set = {{'c', 'd'}, {'a', 'b'}, {'x', 'x'}};
  ASSERT_EQ(set.ranges().size(), 2u);
  EXPECT_EQ(set.ranges()[0], (CodePointRange{'a', 'd'}));
  EXPECT_FALSE(set.Complement().Contains('b'));
  EXPECT_TRUE(set.Complement().Contains('e'));
  EXPECT_FALSE(set.Complement().Contains(0xD800));
  EXPECT_TRUE(set.Minus({{'b', 'b'}}).Contains('a'));
  EXPECT_FALSE(set.Minus({{'b', 'b'}}).Contains('b'));
  EXPECT_TRUE((CodePointSet{{0xD800, 0xDFFF}}).empty());
}

// The sequences spell each character of the set, and in number no more than that.
TEST(CodePointSetTest, SequencesSpellExactlyTheSet) {
  std::mt19937 random(1);
  std::vector<CodePointSet> sets = {CodePointSet::All(), {{'a', 'a'}},        {{0x7F, 0x80}},
                                    {{0x7FF, 0x800}},    {{0xFFFF, 0x10000}}, {{0x4E00, 0x9FFF}},
                                    {{0xD7FF, 0xE000}},  {{kLast, kLast}}};
  for (int i = 0; i < 40; ++i) {
    std::vector<CodePointRange> ranges;
    for (unsigned n = random() % 4 + 1; n > 0; --n) {
      const char32_t first = random() % (kLast >> random() % 14);
      ranges.push_back({first, std::min<char32_t>(kLast, first + random() % 70000)});
    }
    sets.emplace_back(std::move(ranges));
  }
  for (const CodePointSet& set : sets) {
    const std::vector<Utf8Sequence> sequences = Utf8SequencesOf(set);
    uint64_t size = 0;
    for (const CodePointRange& range : set.ranges()) {
      size += range.last - range.first + 1;
      for (char32_t c = range.first; c <= range.last; c += 1 + random() % 997) {
        std::string bytes;
        AppendUtf8(c, bytes);
        ASSERT_TRUE(Spells(sequences, bytes)) << static_cast<uint32_t>(c);
      }
    }
    EXPECT_EQ(CountSpellings(sequences), size);
  }
}

}  // namespace
}  // namespace mao
