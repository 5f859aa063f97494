#include "ocr/number_literal.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mao {
namespace {

constexpr size_t kMaxNumberBytes = 64;
constexpr int kMaxDepth = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Python refuses 07, but not 0, 00 or 07.5.
bool HasForbiddenZero(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0' &&
         digits.find_first_not_of('0') != std::string_view::npos &&
         digits.find('.') == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<NumberLiteral> ReadWhole() {
    Items whole;
    if (!ReadItems('\0', 0, &whole) || whole.values.empty()) return std::nullopt;
    return ToTuple(std::move(whole));
  }

 private:
  struct Items {
    std::vector<NumberLiteral> values;
    bool trailing_comma = false;
  };

  // One value without a comma is itself; only a comma makes a tuple.
  static NumberLiteral ToTuple(Items items) {
    if (items.values.size() == 1 && !items.trailing_comma) return std::move(items.values[0]);
    return {std::nullopt, std::move(items.values)};
  }

  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }
  bool Accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Values up to `closer` ('\0' = the end of the text), which is consumed.
  bool ReadItems(char closer, int depth, Items* out) {
    for (;;) {
      SkipSpace();
      if (closer == '\0' ? at_ == text_.size() : Accept(closer)) return true;
      if (!out->values.empty() && !out->trailing_comma) return false;
      std::optional<NumberLiteral> value = ReadValue(depth);
      if (!value) return false;
      out->values.push_back(*std::move(value));
      SkipSpace();
      out->trailing_comma = Accept(',');
    }
  }

  std::optional<NumberLiteral> ReadValue(int depth) {
    const bool is_list = Accept('[');
    if (!is_list && !Accept('(')) return ReadNumber();
    Items items;
    if (depth == kMaxDepth || !ReadItems(is_list ? ']' : ')', depth + 1, &items)) {
      return std::nullopt;
    }
    if (is_list) return NumberLiteral{std::nullopt, std::move(items.values)};
    return ToTuple(std::move(items));
  }

  std::optional<NumberLiteral> ReadNumber() {
    const bool negative = Accept('-');
    if (!negative) Accept('+');
    if (at_ == text_.size() || !IsDigit(text_[at_])) return std::nullopt;
    const size_t end = NumberEnd(text_, at_);
    const std::string_view digits = text_.substr(at_, end - at_);
    if (HasForbiddenZero(digits)) return std::nullopt;
    at_ = end;
    const double value = NumberValue(digits);
    return NumberLiteral{negative ? -value : value, {}};
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

size_t NumberEnd(std::string_view text, size_t at) {
  const size_t first_digit = at + (text[at] == '-' ? 1 : 0);
  size_t end = first_digit;
  while (end < text.size() && IsDigit(text[end])) ++end;
  if (end == first_digit) return at;
  if (end + 1 < text.size() && text[end] == '.' && IsDigit(text[end + 1])) {
    ++end;
    while (end < text.size() && IsDigit(text[end])) ++end;
  }
  return end;
}

double NumberValue(std::string_view number) {
  double value = number[0] == '-' ? -kMaxLiteralNumber : kMaxLiteralNumber;
  if (number.size() <= kMaxNumberBytes) {
    std::from_chars(number.data(), number.data() + number.size(), value);
  }
  return std::clamp(value, -kMaxLiteralNumber, kMaxLiteralNumber);
}

std::optional<NumberLiteral> ParseNumberLiteral(std::string_view text) {
  return Reader(text).ReadWhole();
}

}  // namespace mao
