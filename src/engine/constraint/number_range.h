// Numbers between bounds as regular expressions over their JSON spelling.
#ifndef MAOOCR_ENGINE_CONSTRAINT_NUMBER_RANGE_H_
#define MAOOCR_ENGINE_CONSTRAINT_NUMBER_RANGE_H_

#include <cstdint>
#include <string>

namespace mao {

// Integers have at most 18 digits: they fit into 64 bits, and a model cannot write digits for ever.
inline constexpr int64_t kMaxConstrainedInteger = 999'999'999'999'999'999;

// Matches exactly the integers from `min` to `max`, without leading zeros; bounds beyond
// +-kMaxConstrainedInteger are moved there. Empty if there is none.
std::string IntegerRangeRegex(int64_t min, int64_t max);

struct NumberRange {
  int64_t min = -kMaxConstrainedInteger;
  int64_t max = kMaxConstrainedInteger;
  bool has_min = false;
  bool has_max = false;
  bool without_min = false;  // exclusive
  bool without_max = false;
};

// Matches numbers of the range only. Without bounds: a fraction of up to 17 digits and an exponent
// of up to 2. With bounds: no exponent, and so few digits after the point that reading the number
// as a double does not carry it over a bound. Empty if there is none.
std::string NumberRangeRegex(const NumberRange& range);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_NUMBER_RANGE_H_
