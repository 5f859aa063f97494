#include "engine/constraint/number_range.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr int kExactDigits = 15;  // of a decimal number that a double keeps apart from others
constexpr int kMaxFractionDigits = 9;

std::string Digits(size_t count) { return count == 0 ? "" : fmt::format("\\d{{{}}}", count); }

std::string DigitClass(char first, char last) {
  return first == last ? std::string(1, first) : fmt::format("[{}-{}]", first, last);
}

std::string Joined(const std::vector<std::string>& alternatives) {
  std::string joined;
  for (const std::string& alternative : alternatives) {
    if (!alternative.empty()) joined += (joined.empty() ? "" : "|") + alternative;
  }
  return joined.empty() ? joined : "(" + joined + ")";
}

// Strings of digits as long as `bound` that are not below (above) it.
std::string AtLeast(std::string_view bound) {
  if (bound.find_first_not_of('0') == std::string_view::npos) return Digits(bound.size());
  std::string result = "(";
  if (bound[0] < '9') {
    result += DigitClass(static_cast<char>(bound[0] + 1), '9') + Digits(bound.size() - 1) + "|";
  }
  return result + bound[0] + AtLeast(bound.substr(1)) + ")";
}
std::string AtMost(std::string_view bound) {
  if (bound.find_first_not_of('9') == std::string_view::npos) return Digits(bound.size());
  std::string result = "(";
  if (bound[0] > '0') {
    result += DigitClass('0', static_cast<char>(bound[0] - 1)) + Digits(bound.size() - 1) + "|";
  }
  return result + bound[0] + AtMost(bound.substr(1)) + ")";
}

// low <= high, equally long.
std::string Between(std::string_view low, std::string_view high) {
  size_t common = 0;
  while (common < low.size() && low[common] == high[common]) ++common;
  std::string result(low.substr(0, common));
  if (common == low.size()) return result;
  low.remove_prefix(common);
  high.remove_prefix(common);
  std::vector<std::string> alternatives;
  alternatives.push_back(low[0] + AtLeast(low.substr(1)));
  if (high[0] - low[0] > 1) {
    alternatives.push_back(
        DigitClass(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)) +
        Digits(low.size() - 1));
  }
  alternatives.push_back(high[0] + AtMost(high.substr(1)));
  return result + Joined(alternatives);
}

// 0 <= low; empty if low > high.
std::string NaturalRange(int64_t low, int64_t high) {
  if (low > high) return "";
  std::vector<std::string> alternatives;
  if (low == 0) alternatives.emplace_back("0");
  size_t first_full = 0;  // numbers of digits of which every number is in the range
  size_t last_full = 0;
  int64_t smallest = 1;  // with so many digits
  for (size_t digits = 1; smallest <= high; ++digits, smallest *= 10) {
    const int64_t largest = smallest * 10 - 1;
    if (largest < low) continue;
    if (low <= smallest && largest <= high) {
      if (first_full == 0) first_full = digits;
      last_full = digits;
    } else {
      alternatives.push_back(Between(std::to_string(std::max(low, smallest)),
                                     std::to_string(std::min(high, largest))));
    }
  }
  if (first_full > 0) {
    alternatives.push_back(fmt::format("[1-9]\\d{{{},{}}}", first_full - 1, last_full - 1));
  }
  return Joined(alternatives);
}

struct Side {  // numbers from 0 on
  int64_t low;
  int64_t high;
  bool has_high;
  bool without_low;
  bool without_high;
};

std::string SideRegex(const Side& side) {
  if (side.low > side.high) return "";
  const bool one_number = side.low == side.high;
  if (one_number) return side.without_low || side.without_high ? "" : std::to_string(side.low);
  const int64_t largest_bound = side.has_high ? side.high : side.low;
  const int digits = static_cast<int>(std::to_string(largest_bound).size());
  const int fraction_digits = std::min(kMaxFractionDigits, kExactDigits - digits);
  const std::string fraction =
      fraction_digits > 0 ? fmt::format("(\\.\\d{{1,{}}})?", fraction_digits) : "";
  std::vector<std::string> alternatives;
  if (!side.without_low) {
    alternatives.push_back(std::to_string(side.low) + fraction);
  } else if (fraction_digits > 0) {
    alternatives.push_back(fmt::format("{}\\.\\d{{0,{}}}[1-9]", side.low, fraction_digits - 1));
  }
  const int64_t last_with_fraction = side.has_high ? side.high - 1 : side.high;
  const std::string between = NaturalRange(side.low + 1, last_with_fraction);
  if (!between.empty()) alternatives.push_back(between + fraction);
  if (side.has_high && !side.without_high) alternatives.push_back(std::to_string(side.high));
  return Joined(alternatives);
}

}  // namespace

std::string IntegerRangeRegex(int64_t min, int64_t max) {
  min = std::max(min, -kMaxConstrainedInteger);
  max = std::min(max, kMaxConstrainedInteger);
  std::vector<std::string> alternatives;
  alternatives.push_back(NaturalRange(std::max<int64_t>(min, 0), max));
  if (min < 0) {
    const std::string negative = NaturalRange(max < 0 ? -max : 1, -min);
    if (!negative.empty()) alternatives.push_back("-" + negative);
  }
  return Joined(alternatives);
}

std::string NumberRangeRegex(const NumberRange& range) {
  if (!range.has_min && !range.has_max) {
    return "-?(0|[1-9]\\d{0,17})(\\.\\d{1,17})?([eE][+-]?\\d{1,2})?";
  }
  if (range.min > range.max) return "";
  std::vector<std::string> alternatives;
  if (range.max >= 0) {
    const bool from_zero = range.min < 0;
    alternatives.push_back(SideRegex({from_zero ? 0 : range.min, range.max, range.has_max,
                                      !from_zero && range.without_min, range.without_max}));
  }
  if (range.min < 0) {  // without -0
    const bool to_zero = range.max >= 0;
    const std::string negative = SideRegex({to_zero ? 0 : -range.max, -range.min, range.has_min,
                                            to_zero || range.without_max, range.without_min});
    if (!negative.empty()) alternatives.push_back("-" + negative);
  }
  return Joined(alternatives);
}

}  // namespace mao
