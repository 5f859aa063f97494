#include "engine/sample/loop_detector.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

using Ids = std::vector<TokenId>;

Ids Repeat(const Ids& unit, int times) {
  Ids ids;
  for (int i = 0; i < times; ++i) ids.insert(ids.end(), unit.begin(), unit.end());
  return ids;
}

Ids Row(int num_cells) {
  Ids row = {1};
  for (int i = 0; i < num_cells; ++i) row.insert(row.end(), {2, 3});
  row.push_back(4);
  return row;
}

Ids Text(int length, unsigned seed) {
  std::mt19937 random(seed);
  Ids ids(length);
  for (TokenId& id : ids) id = 100 + static_cast<TokenId>(random() % 5000);
  return ids;
}

Ids Join(std::initializer_list<Ids> parts) {
  Ids ids;
  for (const Ids& part : parts) ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

// How many ids were taken when the detector fired; 0 = never.
size_t FiresAt(const Ids& ids, RepetitionLoop* loop = nullptr) {
  LoopDetector detector;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (const auto found = detector.Push(ids[i])) {
      if (loop) *loop = *found;
      return i + 1;
    }
  }
  return 0;
}

TEST(LoopDetectorTest, LegitimatePagesPass) {
  const Ids before = Text(300, 1);
  const Ids after = Text(300, 2);
  EXPECT_EQ(FiresAt(Join({before, Repeat({7}, 200), after})), 0U) << "dotted leader line";
  EXPECT_EQ(FiresAt(Join({before, Repeat({2, 3}, 100), after})), 0U) << "100 empty cells";
  EXPECT_EQ(FiresAt(Join({before, Repeat(Row(10), 40), after})), 0U) << "blank form, 40 rows";
  EXPECT_EQ(FiresAt(Join({before, Repeat(Text(250, 3), 4), after})), 0U) << "refrain, four times";
  EXPECT_EQ(FiresAt(Text(8192, 4)), 0U) << "text without repetition";
}

TEST(LoopDetectorTest, TableOfContentsWithALeaderOnEveryLinePasses) {
  Ids ids;
  for (unsigned line = 0; line < 60; ++line) {
    ids = Join({ids, Text(6, line), Repeat({7}, 80), {static_cast<TokenId>(10 + line)}});
  }
  EXPECT_EQ(FiresAt(ids), 0U);
}

TEST(LoopDetectorTest, HopelessLoopsAreFoundAndSized) {
  RepetitionLoop loop{};
  EXPECT_EQ(FiresAt(Join({Text(50, 1), Repeat({7}, 5000)}), &loop), 50U + 1 + 1024);
  EXPECT_EQ(loop.period, 1);
  EXPECT_EQ(loop.repeated_ids, 1024);
  EXPECT_EQ(FiresAt(Join({Text(50, 1), Repeat(Row(10), 300)}), &loop), 50U + 22 + 1024);
  EXPECT_EQ(loop.period, 22);
  EXPECT_EQ(FiresAt(Join({Text(50, 1), Repeat(Text(400, 5), 20)}), &loop), 50U + 400 * 5);
  EXPECT_EQ(loop.period, 400);
  EXPECT_EQ(loop.repeated_ids, 1600);
  EXPECT_EQ(FiresAt(Repeat(Text(512, 6), 20)), 512U * 5);
}

TEST(LoopDetectorTest, ABreakStartsTheCountAnew) {
  EXPECT_EQ(FiresAt(Join({Repeat({7}, 1024), {8}, Repeat({7}, 1024)})), 0U);
}

TEST(LoopDetectorTest, ThresholdsAreOptions) {
  LoopDetector detector({.max_period = 4, .min_repeated_ids = 6, .min_repeats = 2});
  size_t fired = 0;
  const Ids ids = Repeat({1, 2, 3, 4}, 5);
  for (size_t i = 0; i < ids.size() && fired == 0; ++i) {
    if (detector.Push(ids[i])) fired = i + 1;
  }
  EXPECT_EQ(fired, 4U + 8);
}

}  // namespace
}  // namespace mao
