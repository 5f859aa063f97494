#include "engine/constraint/regex_syntax_tree.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "text/utf8.h"

namespace mao {
namespace {

using Kind = RegexTree::Kind;
using Node = RegexTree::Node;

constexpr uint32_t kMaxCount = 1000000;

// What \s means in ECMA-262: WhiteSpace and LineTerminator.
CodePointSet Space() {
  return {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
          {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}

CodePointSet AnyButLineEnds() {
  return CodePointSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}).Complement();
}

// The set of \d, \w, \s or a negation; nothing for other letters.
std::optional<CodePointSet> ClassOfLetter(char letter) {
  switch (letter) {
    case 'd':
      return CodePointSet({{'0', '9'}});
    case 'D':
      return CodePointSet({{'0', '9'}}).Complement();
    case 'w':
      return CodePointSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
    case 'W':
      return CodePointSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}).Complement();
    case 's':
      return Space();
    case 'S':
      return Space().Complement();
    default:
      return std::nullopt;
  }
}

std::optional<uint32_t> HexValue(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + (lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

bool IsAsciiLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<RegexTree> Parse() {
    do {
      RegexTree::Alternative alternative{};
      alternative.from_start = Take('^');
      MAO_ASSIGN_OR_RETURN(alternative.node, ParseSequence(/*group_depth=*/0));
      alternative.to_end = Take('$');
      tree_.alternatives.push_back(alternative);
    } while (Take('|'));
    if (!AtEnd()) {
      return Error(Peek() == ')' ? "a ) without its (" : "$ is supported at the end only");
    }
    return std::move(tree_);
  }

 private:
  bool AtEnd() const { return pos_ == text_.size(); }
  char Peek() const { return text_[pos_]; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++pos_;
    return true;
  }
  bool TakeText(std::string_view expected) {
    if (!text_.substr(pos_).starts_with(expected)) return false;
    pos_ += expected.size();
    return true;
  }

  Status Error(std::string_view what) const { return ErrorAt(pos_, what); }
  static Status ErrorAt(size_t pos, std::string_view what) {
    return InvalidArgumentError(
        fmt::format("the regular expression is not supported at byte {}: {}", pos, what));
  }

  uint32_t Add(Node node) {
    tree_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(tree_.nodes.size() - 1);
  }
  uint32_t AddCharacter(CodePointSet set) {
    Node node;
    node.kind = Kind::kCharacter;
    node.set = std::move(set);
    node.num_characters = 1;
    return Add(std::move(node));
  }

  Result<uint32_t> ParseAlternatives(int group_depth) {
    Node node;
    node.kind = Kind::kAlternatives;
    do {
      MAO_ASSIGN_OR_RETURN(const uint32_t part, ParseSequence(group_depth));
      node.nullable |= tree_.nodes[part].nullable;
      node.num_characters += tree_.nodes[part].num_characters;
      node.parts.push_back(part);
    } while (Take('|'));
    if (node.parts.size() == 1) return node.parts[0];
    return Add(std::move(node));
  }

  Result<uint32_t> ParseSequence(int group_depth) {
    Node node;
    node.nullable = true;
    while (!AtEnd() && Peek() != '|' && Peek() != ')' && Peek() != '$') {
      const size_t begin = pos_;
      MAO_ASSIGN_OR_RETURN(uint32_t part, ParseAtom(group_depth));
      MAO_ASSIGN_OR_RETURN(part, ParseQuantifier(part, begin));
      node.nullable &= tree_.nodes[part].nullable;
      node.num_characters += tree_.nodes[part].num_characters;
      node.parts.push_back(part);
    }
    if (group_depth > 0 && !AtEnd() && Peek() == '$') {
      return Error("anchors are supported outside of groups only");
    }
    if (node.num_characters > RegexTree::kMaxCharacters) {
      return ErrorAt(0, TooManyCharacters(node.num_characters));
    }
    if (node.parts.size() == 1) return node.parts[0];
    return Add(std::move(node));
  }

  static std::string TooManyCharacters(uint64_t number) {
    return fmt::format("repetitions make it {} characters long; the limit is {}", number,
                       RegexTree::kMaxCharacters);
  }

  Result<uint32_t> ParseAtom(int group_depth) {
    switch (Peek()) {
      case '(':
        return ParseGroup(group_depth + 1);
      case '[':
        return ParseClass();
      case '.':
        ++pos_;
        return AddCharacter(AnyButLineEnds());
      case '\\':
        return ParseEscapedAtom();
      case '^':
        return Error("anchors are supported at the beginning and the end only");
      case '*':
      case '+':
      case '?':
      case '{':
        return Error("a quantifier without anything in front of it");
      default:
        break;
    }
    MAO_ASSIGN_OR_RETURN(const char32_t c, TakeCharacter());
    return AddCharacter({{c, c}});
  }

  Result<char32_t> TakeCharacter() {
    const Utf8Char c = DecodeUtf8(text_, pos_);
    if (c.kind != Utf8Char::Kind::kValid) return Error("bytes that are not UTF-8");
    pos_ += c.size;
    return c.code_point;
  }

  Result<uint32_t> ParseGroup(int group_depth) {
    const size_t begin = pos_;
    if (group_depth > RegexTree::kMaxGroupDepth) {
      return Error(fmt::format("groups nest deeper than {}", RegexTree::kMaxGroupDepth));
    }
    ++pos_;
    if (Take('?')) {
      if (TakeText("P<") || (!TakeText("<=") && !TakeText("<!") && TakeText("<"))) {
        const size_t end = text_.find('>', pos_);
        if (end == std::string_view::npos) return ErrorAt(begin, "a group's name without its >");
        pos_ = end + 1;
      } else if (!Take(':')) {
        return ErrorAt(begin, "look-around and flags are not supported");
      }
    }
    MAO_ASSIGN_OR_RETURN(const uint32_t node, ParseAlternatives(group_depth));
    if (!Take(')')) return ErrorAt(begin, "a ( without its )");
    return node;
  }

  Result<uint32_t> ParseEscapedAtom() {
    if (pos_ + 1 < text_.size()) {
      if (auto set = ClassOfLetter(text_[pos_ + 1])) {
        pos_ += 2;
        return AddCharacter(*std::move(set));
      }
    }
    MAO_ASSIGN_OR_RETURN(const char32_t c, ParseEscapedCharacter());
    return AddCharacter({{c, c}});
  }

  // At a backslash.
  Result<char32_t> ParseEscapedCharacter() {
    const size_t begin = pos_++;
    if (AtEnd()) return ErrorAt(begin, "a backslash at the end");
    const char c = text_[pos_];
    if (!IsAsciiLetterOrDigit(c)) return TakeCharacter();
    ++pos_;
    switch (c) {
      case 't':
        return U'\t';
      case 'n':
        return U'\n';
      case 'r':
        return U'\r';
      case 'f':
        return U'\f';
      case 'v':
        return U'\v';
      case 'x':
        return ParseHex(begin, 2);
      case 'u':
        return ParseUnicodeEscape(begin);
      case 'c':
        if (!AtEnd() && IsAsciiLetterOrDigit(Peek()) && Peek() > '9') {
          return static_cast<char32_t>(text_[pos_++] & 0x1F);
        }
        return ErrorAt(begin, "\\c without a letter");
      case '0':
        if (AtEnd() || Peek() < '0' || Peek() > '9') return U'\0';
        return ErrorAt(begin, "octal escapes are not supported");
      case 'b':
      case 'B':
        return ErrorAt(begin, "word boundaries are not supported");
      case 'p':
      case 'P':
        return ErrorAt(begin, "Unicode properties are not supported");
      case 'k':
        return ErrorAt(begin, "back references are not supported");
      default:
        if (c <= '9') return ErrorAt(begin, "back references are not supported");
        return ErrorAt(begin, fmt::format("the escape \\{} is not known", c));
    }
  }

  Result<char32_t> ParseHex(size_t begin, size_t num_digits) {
    const std::string_view digits = text_.substr(pos_, num_digits);
    const std::optional<uint32_t> value = HexValue(digits);
    if (digits.size() < num_digits || !value) {
      return ErrorAt(begin, "an escape without its hexadecimal digits");
    }
    pos_ += num_digits;
    return char32_t{*value};
  }

  Result<char32_t> ParseUnicodeEscape(size_t begin) {
    char32_t c = 0;
    if (Take('{')) {
      const size_t end = text_.find('}', pos_);
      if (end == std::string_view::npos || end == pos_ || end - pos_ > 6) {
        return ErrorAt(begin, "\\u{ without one to six digits and }");
      }
      MAO_ASSIGN_OR_RETURN(c, ParseHex(begin, end - pos_));
      ++pos_;
    } else {
      MAO_ASSIGN_OR_RETURN(c, ParseHex(begin, 4));
      if (c >= 0xD800 && c <= 0xDBFF && TakeText("\\u")) {
        MAO_ASSIGN_OR_RETURN(const char32_t low, ParseHex(begin, 4));
        if (low < 0xDC00 || low > 0xDFFF) return ErrorAt(begin, "half a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      }
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
      return ErrorAt(begin, "an escape that is no character");
    }
    return c;
  }

  Result<uint32_t> ParseClass() {
    const size_t begin = pos_++;
    const bool negated = Take('^');
    std::vector<CodePointRange> ranges;
    while (!AtEnd() && Peek() != ']') MAO_RETURN_IF_ERROR(ParseClassItem(ranges));
    if (!Take(']')) return ErrorAt(begin, "a [ without its ]");
    CodePointSet set(std::move(ranges));
    if (negated) set = set.Complement();
    if (set.empty()) return ErrorAt(begin, "a class without characters");
    return AddCharacter(std::move(set));
  }

  Status ParseClassItem(std::vector<CodePointRange>& ranges) {
    const size_t begin = pos_;
    MAO_ASSIGN_OR_RETURN(const CodePointSet first, ParseClassAtom());
    const bool is_range =
        !AtEnd() && Peek() == '-' && pos_ + 1 < text_.size() && text_[pos_ + 1] != ']';
    if (!is_range) {
      ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      return OkStatus();
    }
    ++pos_;
    MAO_ASSIGN_OR_RETURN(const CodePointSet last, ParseClassAtom());
    const auto is_one = [](const CodePointSet& set) {
      return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
    };
    if (!is_one(first) || !is_one(last) || first.ranges()[0].first > last.ranges()[0].first) {
      return ErrorAt(begin, "a range that does not go from one character to a later one");
    }
    ranges.push_back({first.ranges()[0].first, last.ranges()[0].first});
    return OkStatus();
  }

  Result<CodePointSet> ParseClassAtom() {
    char32_t c = 0;
    if (Peek() == '\\') {
      const char letter = pos_ + 1 < text_.size() ? text_[pos_ + 1] : '\0';
      if (auto set = ClassOfLetter(letter)) {
        pos_ += 2;
        return *std::move(set);
      }
      if (letter == 'b') {  // in a class it is the backspace
        pos_ += 2;
        c = U'\b';
      } else {
        MAO_ASSIGN_OR_RETURN(c, ParseEscapedCharacter());
      }
    } else {
      MAO_ASSIGN_OR_RETURN(c, TakeCharacter());
    }
    return CodePointSet({{c, c}});
  }

  Result<uint32_t> ParseQuantifier(uint32_t part, size_t begin) {
    Node node;
    node.kind = Kind::kRepeat;
    if (Take('*')) {
      node.max = RegexTree::kUnbounded;
    } else if (Take('+')) {
      node.min = 1;
      node.max = RegexTree::kUnbounded;
    } else if (Take('?')) {
      node.max = 1;
    } else if (!AtEnd() && Peek() == '{') {
      MAO_RETURN_IF_ERROR(ParseCounts(node));
    } else {
      return part;
    }
    Take('?');  // a lazy quantifier matches the same texts
    if (!AtEnd() && (Peek() == '+' || Peek() == '*' || Peek() == '?' || Peek() == '{')) {
      return Error("a quantifier after a quantifier");
    }
    const Node& repeated = tree_.nodes[part];
    node.parts = {part};
    node.nullable = node.min == 0 || repeated.nullable;
    const uint32_t times = node.max == RegexTree::kUnbounded ? std::max(node.min, 1U) : node.max;
    node.num_characters = repeated.num_characters * times;
    if (node.num_characters > RegexTree::kMaxCharacters) {
      return ErrorAt(begin, TooManyCharacters(node.num_characters));
    }
    return Add(std::move(node));
  }

  Status ParseCounts(Node& node) {
    const size_t begin = pos_++;
    MAO_ASSIGN_OR_RETURN(node.min, ParseCount(begin));
    node.max = node.min;
    if (Take(',')) {
      node.max = RegexTree::kUnbounded;
      if (!AtEnd() && Peek() != '}') {
        MAO_ASSIGN_OR_RETURN(node.max, ParseCount(begin));
      }
    }
    if (!Take('}'))
      return ErrorAt(begin, "a { without counts and its }; write \\{ for the character");
    if (node.max < node.min) return ErrorAt(begin, "counts in the wrong order");
    return OkStatus();
  }

  Result<uint32_t> ParseCount(size_t begin) {
    uint32_t value = 0;
    const size_t first_digit = pos_;
    while (!AtEnd() && Peek() >= '0' && Peek() <= '9') {
      value = value * 10 + (text_[pos_++] - '0');
      if (value > kMaxCount) {
        return ErrorAt(begin, fmt::format("a count above the limit of {}", kMaxCount));
      }
    }
    if (pos_ == first_digit) {
      return ErrorAt(begin, "a { without counts and its }; write \\{ for the character");
    }
    return value;
  }

  std::string_view text_;
  size_t pos_ = 0;
  RegexTree tree_;
};

}  // namespace

Result<RegexTree> ParseRegex(std::string_view expression) {
  if (expression.size() > RegexTree::kMaxBytes) {
    return OutOfRangeError(fmt::format("a regular expression of {} bytes; the limit is {}",
                                       expression.size(), RegexTree::kMaxBytes));
  }
  return Parser(expression).Parse();
}

}  // namespace mao
