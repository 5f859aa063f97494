#include "ocr/phone_number.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace mao {
namespace {

constexpr size_t kMaxDigits = 15;  // E.164
constexpr size_t kMaxBytes = 48;
constexpr std::string_view kMarks = " -./()";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// The groups of digits read so far.
struct Groups {
  bool has_plus = false;
  bool has_firm_mark = false;   // other than a space
  bool follows_digits = false;  // digits and a space stand in front: these may be their next groups
  std::string digits;
  std::vector<size_t> sizes;

  // Whether the sizes are these.
  bool Are(std::initializer_list<size_t> expected) const {
    return std::equal(sizes.begin(), sizes.end(), expected.begin(), expected.end());
  }
};

bool IsChineseMobile(const Groups& groups) {
  std::string_view digits = groups.digits;
  if (digits.starts_with("86") && digits.size() == 13) digits.remove_prefix(2);
  if (digits.size() != 11 || digits[0] != '1' || digits[1] < '3') return false;
  return groups.sizes.size() == 1 || groups.Are({3, 4, 4}) || groups.Are({2, 11}) ||
         groups.Are({2, 3, 4, 4});
}

bool IsChineseService(const Groups& groups) {
  const bool is_service = groups.digits.starts_with("400") || groups.digits.starts_with("800");
  return is_service && groups.digits.size() == 10 && groups.sizes.size() == 3 &&
         groups.has_firm_mark;
}

bool IsNorthAmerican(const Groups& groups) {
  if (!groups.has_firm_mark) return false;
  std::string_view digits = groups.digits;
  if (groups.Are({1, 3, 3, 4}) && digits[0] == '1') {
    digits.remove_prefix(1);
  } else if (!groups.Are({3, 3, 4})) {
    return false;
  }
  return digits[0] >= '2' && digits[3] >= '2';
}

bool IsGroupedWithZero(const Groups& groups) {
  const std::vector<size_t>& sizes = groups.sizes;
  const std::string& digits = groups.digits;
  if (groups.follows_digits || digits.size() < 9 || digits.size() > 12 || sizes.size() < 2 ||
      sizes[0] < 2)
    return false;
  if (digits[0] != '0' || digits[1] == '0') return false;
  const bool begins_as_date = sizes.size() >= 3 && sizes[0] == 2 && sizes[1] == 2 && sizes[2] == 4;
  return !begins_as_date;
}

bool IsPhone(const Groups& groups) {
  constexpr size_t kMinInternational = 8;
  if (groups.has_plus) return groups.digits.size() >= kMinInternational && groups.digits[0] != '0';
  return IsChineseMobile(groups) || IsChineseService(groups) || IsNorthAmerican(groups) ||
         IsGroupedWithZero(groups);
}

// Not inside a word, a decimal number or a name with hyphens.
bool MayBegin(std::string_view text, size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (IsAlnum(before) || before == '+') return false;
  const bool is_joint = before == '-' || before == '_' || before == '.' || before == '/';
  if (!is_joint || at < 2) return true;
  return before == '.' || before == '/' ? !IsDigit(text[at - 2]) : !IsAlnum(text[at - 2]);
}

}  // namespace

size_t PhoneNumberSize(std::string_view text, size_t at) {
  if (!MayBegin(text, at)) return 0;
  Groups groups;
  groups.follows_digits = at >= 2 && text[at - 1] == ' ' && IsDigit(text[at - 2]);
  text = text.substr(at, kMaxBytes);
  size_t i = 0;
  if (text.starts_with('+')) {
    groups.has_plus = true;
    ++i;
  }
  size_t accepted = 0;
  size_t num_marks = i == 0 ? 0 : 1;  // in a row
  if (i == 0 && !IsDigit(text[0]) && text[0] != '(') return 0;
  int num_open = 0;
  for (; i < text.size(); ++i) {
    if (IsDigit(text[i])) {
      if (groups.digits.size() == kMaxDigits) return accepted;
      if (groups.sizes.empty() || num_marks > 0) groups.sizes.push_back(0);
      num_marks = 0;
      groups.digits += text[i];
      ++groups.sizes.back();
      const bool ends = i + 1 == text.size() || !IsAlnum(text[i + 1]);
      if (ends && num_open == 0 && IsPhone(groups)) accepted = i + 1;
      continue;
    }
    constexpr size_t kMaxMarks = 2;
    if (kMarks.find(text[i]) == std::string_view::npos || ++num_marks > kMaxMarks) break;
    if (text[i] == '(') ++num_open;
    if (text[i] == ')' && --num_open < 0) break;
    groups.has_firm_mark = groups.has_firm_mark || text[i] != ' ';
  }
  return accepted;
}

}  // namespace mao
