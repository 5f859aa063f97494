#include "ocr/checksums.h"

#include <algorithm>
#include <array>

namespace mao {
namespace {

struct IbanRow {
  std::string_view country;
  size_t length;
};
// The IBAN registry, release 99.
constexpr IbanRow kIbans[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24},
    {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18},
    {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27},
    {"GT", 28}, {"HN", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26},
    {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20},
    {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
    {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24},
    {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24},
    {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25},
    {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20},
    {"YE", 30}};

// Leading digits of the issuers' numbers, as ranges of six digits.
struct IssuerRange {
  int first;
  int last;
  size_t min_digits;
  size_t max_digits;
};
constexpr IssuerRange kIssuers[] = {
    {400000, 499999, 13, 19},                            // Visa
    {510000, 559999, 16, 16}, {222100, 272099, 16, 16},  // Mastercard
    {340000, 349999, 15, 15}, {370000, 379999, 15, 15},  // American Express
    {300000, 305999, 14, 19}, {360000, 369999, 14, 19},  // Diners Club
    {380000, 399999, 14, 19}, {352800, 358999, 16, 19},  // Diners Club, JCB
    {601100, 601199, 16, 19}, {644000, 659999, 16, 19},  // Discover
    {620000, 629999, 16, 19},                            // UnionPay
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

bool PassesLuhn(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit *= 2;
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

bool IsDateOfBirth(int year, int month, int day) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return year >= 1850 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 &&
         day <= kDays[static_cast<size_t>(month) - 1];
}

}  // namespace

size_t IbanLength(std::string_view country) {
  const auto* const row = std::find_if(std::begin(kIbans), std::end(kIbans),
                                       [&](const IbanRow& r) { return r.country == country; });
  return row == std::end(kIbans) ? 0 : row->length;
}

bool IsIban(std::string_view compact) {
  const size_t length = IbanLength(compact.substr(0, 2));
  if (length == 0 || compact.size() != length || !IsDigit(compact[2]) || !IsDigit(compact[3])) {
    return false;
  }
  int remainder = 0;
  for (size_t i = 0; i < length; ++i) {
    const char c = compact[(i + 4) % length];
    if (IsDigit(c)) {
      remainder = (remainder * 10 + (c - '0')) % 97;
    } else if (IsUpper(c)) {
      remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    } else {
      return false;
    }
  }
  return remainder == 1;
}

bool IsCardNumber(std::string_view digits) {
  constexpr size_t kMinDigits = 13;
  if (digits.size() < kMinDigits || !std::all_of(digits.begin(), digits.end(), IsDigit)) {
    return false;
  }
  const int issuer = Number(digits.substr(0, 6));
  return std::any_of(std::begin(kIssuers), std::end(kIssuers),
                     [&](const IssuerRange& range) {
                       return issuer >= range.first && issuer <= range.last &&
                              digits.size() >= range.min_digits &&
                              digits.size() <= range.max_digits;
                     }) &&
         PassesLuhn(digits);
}

bool IsChineseResidentId(std::string_view text) {
  constexpr size_t kLength = 18;
  constexpr std::array<int, 17> kWeights = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr std::string_view kCheckCharacters = "10X98765432";
  if (text.size() != kLength || !std::all_of(text.begin(), text.end() - 1, IsDigit)) return false;
  if (!IsDateOfBirth(Number(text.substr(6, 4)), Number(text.substr(10, 2)),
                     Number(text.substr(12, 2)))) {
    return false;
  }
  int sum = 0;
  for (size_t i = 0; i < kWeights.size(); ++i) sum += kWeights[i] * (text[i] - '0');
  const char check = text.back() == 'x' ? 'X' : text.back();
  return check == kCheckCharacters[static_cast<size_t>(sum) % 11];
}

}  // namespace mao
