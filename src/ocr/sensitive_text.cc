#include "ocr/sensitive_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "ocr/checksums.h"
#include "ocr/phone_number.h"
#include "text/utf8.h"

namespace mao {
namespace {

struct KindRow {
  std::string_view name;
  std::string_view placeholder;
};
// By SensitiveKind.
constexpr KindRow kKinds[] = {{"email", "[EMAIL]"},           {"iban", "[IBAN]"},
                              {"id_number", "[ID_NUMBER]"},   {"credit_card", "[CREDIT_CARD]"},
                              {"ip_address", "[IP_ADDRESS]"}, {"phone", "[PHONE]"}};

constexpr char kOther = '\x7F';  // a character that is not ASCII, nor full-width ASCII
constexpr size_t kMaxEmailLocal = 64;
constexpr size_t kMaxDomain = 255;
constexpr size_t kMaxNumberDigits = 19;
constexpr size_t kMaxIbanCharacters = 33;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool IsAlpha(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool IsHexOrColon(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':'; }

// A text with one byte for each character, which knows where each stood.
struct FoldedText {
  explicit FoldedText(std::string_view text) {
    constexpr char32_t kFirstFullWidth = 0xFF01;
    constexpr char32_t kLastFullWidth = 0xFF5E;
    constexpr char32_t kIdeographicSpace = 0x3000;
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = DecodeUtf8(text, at);
      char folded = kOther;
      if (c.code_point < 0x80) folded = static_cast<char>(c.code_point);
      if (c.code_point >= kFirstFullWidth && c.code_point <= kLastFullWidth) {
        folded = static_cast<char>(c.code_point - kFirstFullWidth + '!');
      }
      if (c.code_point == kIdeographicSpace) folded = ' ';
      chars += folded;
      places.push_back(at);
      at += c.size;
    }
    places.push_back(text.size());
  }

  std::string chars;
  std::vector<size_t> places;  // one more than chars
};

// Half-open range of FoldedText::chars.
struct Range {
  size_t begin;
  size_t end;
};

class Finder {
 public:
  explicit Finder(std::string_view text)
      : folded_(text), chars_(folded_.chars), taken_(chars_.size()) {}

  // What proves itself comes before what only looks like something.
  std::vector<SensitiveSpan> Find() {
    FindAll(SensitiveKind::kEmail, [this](size_t at) { return EmailAround(at); });
    FindAll(SensitiveKind::kIban, [this](size_t at) { return IbanAt(at); });
    FindAll(SensitiveKind::kIdNumber, [this](size_t at) { return NumberAt(at, true); });
    FindAll(SensitiveKind::kCreditCard, [this](size_t at) { return NumberAt(at, false); });
    FindAll(SensitiveKind::kIpAddress, [this](size_t at) { return IpAt(at); });
    FindAll(SensitiveKind::kPhone, [this](size_t at) -> std::optional<Range> {
      const size_t size = PhoneNumberSize(chars_, at);
      return size > 0 ? std::optional(Range{at, at + size}) : std::nullopt;
    });
    std::sort(spans_.begin(), spans_.end(),
              [](const SensitiveSpan& a, const SensitiveSpan& b) { return a.begin < b.begin; });
    return std::move(spans_);
  }

 private:
  template <typename Match>
  void FindAll(SensitiveKind kind, Match match) {
    for (size_t at = 0; at < chars_.size();) {
      const std::optional<Range> range = match(at);
      const bool is_free = range.has_value() &&
                           std::none_of(taken_.begin() + static_cast<std::ptrdiff_t>(range->begin),
                                        taken_.begin() + static_cast<std::ptrdiff_t>(range->end),
                                        [](bool taken) { return taken; });
      if (!is_free) {
        ++at;
        continue;
      }
      std::fill(taken_.begin() + static_cast<std::ptrdiff_t>(range->begin),
                taken_.begin() + static_cast<std::ptrdiff_t>(range->end), true);
      spans_.push_back({kind, folded_.places[range->begin], folded_.places[range->end]});
      at = range->end;
    }
  }

  bool StartsWord(size_t at) const { return at == 0 || !IsAlnum(chars_[at - 1]); }
  bool EndsWord(size_t end) const { return end >= chars_.size() || !IsAlnum(chars_[end]); }

  // The @ is at `at`.
  std::optional<Range> EmailAround(size_t at) const {
    if (chars_[at] != '@') return std::nullopt;
    constexpr std::string_view kLocalMarks = "._%+-";
    size_t begin = at;
    while (begin > 0 && at - begin < kMaxEmailLocal &&
           (IsAlnum(chars_[begin - 1]) || kLocalMarks.find(chars_[begin - 1]) != kNone)) {
      --begin;
    }
    while (begin < at && !IsAlnum(chars_[begin])) ++begin;
    size_t end = at + 1;
    size_t last_dot = kNone;
    size_t label = end;
    for (size_t i = end; i < chars_.size() && i - at <= kMaxDomain; ++i) {
      if (chars_[i] == '.' && i > label) {
        last_dot = i;
        label = i + 1;
      } else if (IsAlnum(chars_[i])) {
        end = i + 1;
      } else if (chars_[i] != '-' || i == label) {
        break;
      }
    }
    if (last_dot != kNone && last_dot >= end) last_dot = chars_.rfind('.', end - 1);
    constexpr size_t kMinTopLevel = 2;
    const bool has_domain = last_dot != kNone && last_dot > at + 1 &&
                            end - last_dot - 1 >= kMinTopLevel && IsAlpha(chars_[last_dot + 1]);
    return begin < at && has_domain ? std::optional(Range{begin, end}) : std::nullopt;
  }

  std::optional<Range> IbanAt(size_t at) const {
    const size_t length = StartsWord(at) ? IbanLength(std::string_view(chars_).substr(at, 2)) : 0;
    if (length == 0) return std::nullopt;
    std::string compact;
    size_t end = at;
    while (end < chars_.size() && compact.size() < std::min(length, kMaxIbanCharacters)) {
      const bool is_gap = chars_[end] == ' ' && end > at && chars_[end - 1] != ' ';
      if (!is_gap && !IsAlnum(chars_[end])) break;
      if (!is_gap) compact += chars_[end];
      ++end;
    }
    return EndsWord(end) && IsIban(compact) ? std::optional(Range{at, end}) : std::nullopt;
  }

  // Digits in groups, one space or hyphen between them, that pass their check at the end of a group;
  // the longest such.
  std::optional<Range> NumberAt(size_t at, bool is_id) const {
    if (!IsDigit(chars_[at]) || !StartsWord(at)) return std::nullopt;
    std::string digits;
    std::optional<Range> found;
    for (size_t i = at; i < chars_.size() && digits.size() < kMaxNumberDigits; ++i) {
      const char c = chars_[i];
      const bool is_x = is_id && (c == 'X' || c == 'x');
      if (IsDigit(c) || is_x) {
        digits += c;
        const bool passes = is_id ? IsChineseResidentId(digits) : IsCardNumber(digits);
        if (passes && EndsWord(i + 1)) found = Range{at, i + 1};
        if (is_x) break;
      } else if ((c != ' ' && c != '-') || !IsDigit(chars_[i - 1])) {
        break;
      }
    }
    return found;
  }

  std::optional<Range> IpAt(size_t at) const {
    const bool is_start =
        at == 0 || (!IsAlnum(chars_[at - 1]) && chars_[at - 1] != '.' && chars_[at - 1] != ':');
    if (!is_start) return std::nullopt;
    if (const auto range = AddressAt(at, AF_INET, IsDigit); range.has_value()) return range;
    return AddressAt(at, AF_INET6, IsHexOrColon);
  }

  // `belongs` says which characters, besides dots, an address of this family has.
  std::optional<Range> AddressAt(size_t at, int family, bool (*belongs)(char)) const {
    size_t end = at;
    while (end < chars_.size() && end - at < INET6_ADDRSTRLEN &&
           (belongs(chars_[end]) || chars_[end] == '.')) {
      ++end;
    }
    // A full stop or colon behind it belongs to the sentence.
    const auto is_lone_colon = [&](size_t i) {
      return chars_[i] == ':' && (i == at || chars_[i - 1] != ':');
    };
    while (end > at && (chars_[end - 1] == '.' || is_lone_colon(end - 1))) --end;
    const std::string candidate = chars_.substr(at, end - at);
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool is_address = EndsWord(end) &&
                            std::any_of(candidate.begin(), candidate.end(), IsAlnum) &&
                            inet_pton(family, candidate.c_str(), address.data()) == 1;
    return is_address ? std::optional(Range{at, end}) : std::nullopt;
  }

  static constexpr size_t kNone = std::string::npos;

  FoldedText folded_;
  const std::string& chars_;
  std::vector<bool> taken_;
  std::vector<SensitiveSpan> spans_;
};

}  // namespace

std::string_view SensitiveKindName(SensitiveKind kind) {
  return kKinds[static_cast<size_t>(kind)].name;
}

std::vector<SensitiveSpan> FindSensitiveText(std::string_view text) { return Finder(text).Find(); }

std::string RedactText(std::string_view text, std::span<const SensitiveSpan> spans) {
  std::string redacted;
  size_t at = 0;
  for (const SensitiveSpan& span : spans) {
    redacted += text.substr(at, span.begin - at);
    redacted += kKinds[static_cast<size_t>(span.kind)].placeholder;
    at = span.end;
  }
  return redacted += text.substr(at);
}

}  // namespace mao
