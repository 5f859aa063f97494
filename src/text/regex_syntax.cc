#include "text/regex_syntax.h"

#include <fmt/core.h>

namespace mao {

namespace {

constexpr std::string_view kWhitespaceSet =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"
    "\\x{205f}\\x{3000}";
constexpr std::string_view kHexSet = "0-9A-Fa-f";

// One pass over a pattern; what it does not know it copies.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  Result<std::string> Run() {
    while (pos_ < in_.size()) {
      switch (in_[pos_]) {
        case '\\':
          MAO_RETURN_IF_ERROR(Escape());
          break;
        case '[':
          MAO_RETURN_IF_ERROR(OpenSet());
          break;
        case ']':
          in_set_ = false;
          Copy(1);
          break;
        case '&':
          if (in_set_ && Rest().starts_with("&&")) return Unsupported("&& inside [...]");
          Copy(1);
          break;
        case '(':
          MAO_RETURN_IF_ERROR(CheckFlags());
          Copy(1);
          break;
        default:
          Copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view Rest() const { return in_.substr(pos_); }

  void Copy(size_t count) {
    out_ += in_.substr(pos_, count);
    pos_ += count;
  }

  Status Unsupported(std::string_view what) const {
    return UnimplementedError(
        fmt::format("{} at byte {} of the regular expression '{}'", what, pos_, in_));
  }

  Status Escape() {
    const char kind = pos_ + 1 < in_.size() ? in_[pos_ + 1] : '\0';
    const bool negated = kind == 'S' || kind == 'H';
    if (!negated && kind != 's' && kind != 'h') {
      Copy(2);
      return OkStatus();
    }
    if (negated && in_set_) return Unsupported("\\S or \\H inside [...]");
    if (!in_set_) out_ += negated ? "[^" : "[";
    out_ += kind == 's' || kind == 'S' ? kWhitespaceSet : kHexSet;
    if (!in_set_) out_ += ']';
    pos_ += 2;
    return OkStatus();
  }

  Status OpenSet() {
    if (in_set_) {
      if (!Rest().starts_with("[:")) return Unsupported("[ inside [...]");
      const size_t end = in_.find(":]", pos_ + 2);
      if (end == std::string_view::npos) return Unsupported("[: without :]");
      Copy(end + 2 - pos_);
      return OkStatus();
    }
    in_set_ = true;
    Copy(1);
    if (Rest().starts_with("^")) Copy(1);
    if (Rest().starts_with("]")) Copy(1);  // a first ] is a member
    return OkStatus();
  }

  Status CheckFlags() const {
    if (in_set_ || !Rest().starts_with("(?")) return OkStatus();
    const size_t end = in_.find_first_not_of("imsxad-", pos_ + 2);
    if (end == std::string_view::npos || (in_[end] != ':' && in_[end] != ')')) return OkStatus();
    if (in_.substr(pos_, end - pos_).find_first_of("msad") == std::string_view::npos) {
      return OkStatus();
    }
    return Unsupported("a group flag other than i or x");
  }

  std::string_view in_;
  size_t pos_ = 0;
  bool in_set_ = false;
  std::string out_;
};

}  // namespace

Result<std::string> OnigurumaToPcre2(std::string_view pattern) { return Translator(pattern).Run(); }

}  // namespace mao
