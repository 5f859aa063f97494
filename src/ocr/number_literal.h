// Python literals made of numbers, lists and tuples, read strictly and never evaluated.
#ifndef MAOOCR_OCR_NUMBER_LITERAL_H_
#define MAOOCR_OCR_NUMBER_LITERAL_H_

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace mao {

// Numbers are cut to +-1e9: far outside of anything a page has, and safe to compute with.
inline constexpr double kMaxLiteralNumber = 1e9;

struct NumberLiteral {
  std::optional<double> number;      // unset: a list or tuple
  std::vector<NumberLiteral> items;  // of a list or tuple
};

// The end of the number -?\d+(\.\d+)? that starts at text[at], or `at` if there is none.
size_t NumberEnd(std::string_view text, size_t at);

// The value of the text of such a number.
double NumberValue(std::string_view number);

// The whole text as one literal, as Python's ast.literal_eval reads it: white space and trailing
// commas are free, "1, 2" is a tuple, "(1)" the number 1. Nothing if it is anything else
// (exponents, names and strings too), or nested deeper than 16. Linear time.
std::optional<NumberLiteral> ParseNumberLiteral(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_OCR_NUMBER_LITERAL_H_
