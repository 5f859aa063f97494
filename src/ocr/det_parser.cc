#include "ocr/det_parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ocr/number_literal.h"

namespace mao {
namespace {

// The character that starts at text[at] with full-width forms as ASCII, and its length in bytes.
// '\0' for anything that is not ASCII then.
struct AsciiChar {
  char value;
  size_t size_bytes;
};

AsciiChar ReadAscii(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(at) < 0x80) return {text[at], 1};
  if ((byte(at) & 0xF0) != 0xE0 || at + 3 > text.size()) return {'\0', 1};
  const unsigned code =
      (byte(at) & 0x0FU) << 12 | (byte(at + 1) & 0x3FU) << 6 | (byte(at + 2) & 0x3FU);
  if (code >= 0xFF01 && code <= 0xFF5E) return {static_cast<char>(code - 0xFEE0), 3};
  switch (code) {
    case 0x3000:  // ideographic space
      return {' ', 3};
    case 0x3001:  // ideographic comma
      return {',', 3};
    case 0x3010:  // black lenticular brackets
      return {'[', 3};
    case 0x3011:
      return {']', 3};
    case 0x2212:  // minus sign
      return {'-', 3};
    default:
      return {'\0', 3};
  }
}

std::string ToAscii(std::string_view text) {
  std::string ascii;
  ascii.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const AsciiChar c = ReadAscii(text, at);
    ascii += c.value;
    at += c.size_bytes;
  }
  return ascii;
}

// The numbers of the innermost bracket that is open, as far as a box needs them.
struct NumberGroup {
  bool open = false;
  size_t count = 0;
  std::array<double, 4> numbers{};

  void Add(double number) {
    if (open && count < numbers.size()) numbers[count] = number;
    ++count;
  }
};

// Collects boxes as brackets close.
class LenientBoxes {
 public:
  void Open() { group_ = {.open = true}; }
  void Add(double number) { group_.Add(number); }
  void Close() {
    if (!group_.open) return;
    const auto& n = group_.numbers;
    if (group_.count == 4) Push({n[0], n[1], n[2], n[3]});
    const bool is_point = group_.count == 2;
    if (is_point && has_point_) Push({point_[0], point_[1], n[0], n[1]});
    has_point_ = is_point && !has_point_;
    point_ = {n[0], n[1]};
    group_ = {};
  }
  std::vector<RawBox> Take() { return std::move(boxes_); }

 private:
  void Push(const RawBox& box) {
    if (boxes_.size() < kMaxBoxesPerBlock) boxes_.push_back(box);
  }

  NumberGroup group_;
  bool has_point_ = false;  // the bracket before this one held two numbers, not yet used
  std::array<double, 2> point_{};
  std::vector<RawBox> boxes_;
};

bool IsFourNumbers(const NumberLiteral& value) {
  return value.items.size() == 4 &&
         std::all_of(value.items.begin(), value.items.end(),
                     [](const NumberLiteral& item) { return item.number.has_value(); });
}

}  // namespace

std::vector<RawBox> ParseBoxesLenient(std::string_view det) {
  const std::string text = ToAscii(det);
  LenientBoxes boxes;
  for (size_t at = 0; at < text.size();) {
    const size_t number_end = NumberEnd(text, at);
    if (number_end > at) {
      boxes.Add(NumberValue(std::string_view(text).substr(at, number_end - at)));
      at = number_end;
      continue;
    }
    if (text[at] == '[') boxes.Open();
    if (text[at] == ']') boxes.Close();
    ++at;
  }
  return boxes.Take();
}

std::optional<std::vector<RawBox>> ParseBoxesStrict(std::string_view det) {
  const std::optional<NumberLiteral> literal = ParseNumberLiteral(det);
  if (!literal) return std::nullopt;
  std::vector<RawBox> boxes;
  for (const NumberLiteral& item : literal->items) {
    if (!IsFourNumbers(item) || boxes.size() == kMaxBoxesPerBlock) break;
    boxes.push_back({*item.items[0].number, *item.items[1].number, *item.items[2].number,
                     *item.items[3].number});
  }
  return boxes;
}

size_t DetExtent(std::string_view text) {
  constexpr std::string_view kDetChars = "0123456789().,+- \t\n\r";
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const AsciiChar c = ReadAscii(text, at);
    if (c.value == '[') {
      ++depth;
    } else if (c.value == ']') {
      --depth;
    } else if (kDetChars.find(c.value) == std::string_view::npos) {
      return at;
    }
    at += c.size_bytes;
    if (c.value == ']' && depth <= 0) return at;
  }
  return text.size();
}

}  // namespace mao
