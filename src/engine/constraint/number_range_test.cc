#include "engine/constraint/number_range.h"

#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "engine/constraint/grammar_for_test.h"

namespace mao {
namespace {

TEST(NumberRangeTest, IntegersOfSmallRangesExactly) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const int64_t a = static_cast<int64_t>(random() % 2400) - 1200;
    const int64_t b = a + static_cast<int64_t>(random() % (round % 2 == 0 ? 30 : 1500));
    Matcher matcher(GrammarOfRegex(IntegerRangeRegex(a, b)));
    for (int64_t i = -1300; i <= 3000; ++i) {
      ASSERT_EQ(matcher.Matches(std::to_string(i)), a <= i && i <= b)
          << i << " in " << a << ' ' << b;
    }
    for (const char* text : {"", "-", "-0", "01", "-01", "1.0", "1e1", "+1"}) {
      EXPECT_FALSE(matcher.Matches(text)) << text;
    }
  }
  EXPECT_EQ(IntegerRangeRegex(3, 2), "");
}

TEST(NumberRangeTest, IntegersOfLargeRanges) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 200; ++round) {
    const auto any = [&] {
      const auto magnitude = static_cast<int64_t>(random() % kMaxConstrainedInteger);
      return (random() % 2 == 0 ? 1 : -1) * (magnitude >> (random() % 60));
    };
    const int64_t a = any();
    const int64_t b = any();
    const int64_t low = std::min(a, b);
    const int64_t high = std::max(a, b);
    Matcher matcher(GrammarOfRegex(IntegerRangeRegex(low, high)));
    for (const int64_t i : {low - 1, low, low + 1, high - 1, high, high + 1, any(), any(), low / 10,
                            high / 10, low * 0}) {
      if (std::abs(i) > kMaxConstrainedInteger) continue;
      EXPECT_EQ(matcher.Matches(std::to_string(i)), low <= i && i <= high)
          << i << " in " << low << ' ' << high;
    }
  }
  Matcher all(GrammarOfRegex(IntegerRangeRegex(INT64_MIN, INT64_MAX)));
  EXPECT_TRUE(all.Matches(std::to_string(kMaxConstrainedInteger)));
  EXPECT_TRUE(all.Matches(std::to_string(-kMaxConstrainedInteger)));
  EXPECT_TRUE(all.Matches("0"));
  EXPECT_FALSE(all.IsPrefix("1000000000000000000"));
}

// Every number that is written lies in the range, and every short one in the range can be written
// (bounds are written without a fraction).
TEST(NumberRangeTest, Numbers) {
  for (const int64_t min : {-12, -1, 0, 1, 7}) {
    for (const int64_t max : {-9, -1, 0, 1, 3, 25}) {
      for (int bits = 0; bits < 16; ++bits) {
        NumberRange range = {
            min, max, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
        if (!range.has_min) range.min = -kMaxConstrainedInteger;
        if (!range.has_max) range.max = kMaxConstrainedInteger;
        range.without_min &= range.has_min;
        range.without_max &= range.has_max;
        if (!range.has_min && !range.has_max) continue;
        const std::string regex = NumberRangeRegex(range);
        if (regex.empty()) {
          EXPECT_TRUE(range.min > range.max ||
                      (range.min == range.max && (range.without_min || range.without_max)));
          continue;
        }
        Matcher matcher(GrammarOfRegex(regex));
        for (int hundredths = -3000; hundredths <= 3000; ++hundredths) {
          char text[16];
          std::snprintf(text, sizeof text, hundredths % 100 == 0 ? "%.0f" : "%.2f",
                        hundredths / 100.0);
          const double value = std::strtod(text, nullptr);
          const bool inside = (range.without_min ? value > range.min : value >= range.min) &&
                              (range.without_max ? value < range.max : value <= range.max);
          const bool zero_fraction = text[std::string(text).size() - 1] == '0';  // 2.50 is 2.5
          if (!inside || !zero_fraction) {
            ASSERT_EQ(matcher.Matches(text), inside) << text << " in " << regex;
          }
        }
        EXPECT_FALSE(matcher.Matches("-0"));
      }
    }
  }
}

// Digits that a double would round to a bound that is excluded.
TEST(NumberRangeTest, RoundingDoesNotReachABound) {
  NumberRange range;
  range.min = 0;
  range.max = 1;
  range.has_min = range.has_max = range.without_max = true;
  Matcher matcher(GrammarOfRegex(NumberRangeRegex(range)));
  EXPECT_TRUE(matcher.Matches("0.999999999"));
  EXPECT_FALSE(matcher.IsPrefix("0.9999999999"));
  EXPECT_FALSE(matcher.Matches("1"));
}

}  // namespace
}  // namespace mao
