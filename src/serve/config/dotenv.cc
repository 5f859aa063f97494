#include "serve/config/dotenv.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr size_t kMaxName = 256;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsNameByte(char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; }

// Whether a shell or docker compose would put something else in the place of text[at], a '$'.
bool IsExpansion(std::string_view text, size_t at) {
  if (at + 1 >= text.size()) return false;
  return IsLetter(text[at + 1]) || text[at + 1] == '{' || text[at + 1] == '(';
}

// What a backslash and `c` mean within double quotes; 0: nothing.
char Escaped(char c) {
  constexpr std::string_view kLetters = "nrtfbva\"\\$";
  constexpr std::string_view kMeanings = "\n\r\t\f\b\v\a\"\\$";
  const size_t at = kLetters.find(c);
  return at == std::string_view::npos ? '\0' : kMeanings[at];
}

class DotenvParser {
 public:
  explicit DotenvParser(std::string_view text) : text_(text) {
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  DotenvFile Parse() && {
    if (text_.size() > kMaxDotenvBytes) {
      file_.errors.push_back({1, fmt::format("{} bytes, more than the limit of {} bytes",
                                             text_.size(), kMaxDotenvBytes)});
      return std::move(file_);
    }
    while (at_ < text_.size() && file_.errors.size() < kMaxErrors) {
      if (file_.entries.size() == kMaxDotenvEntries) {
        Fail(fmt::format("more than the limit of {} entries", kMaxDotenvEntries));
        break;
      }
      ParseLine();
      SkipLine();
    }
    return std::move(file_);
  }

 private:
  static constexpr size_t kMaxErrors = 100;

  bool AtEndOfLine() const { return at_ >= text_.size() || text_[at_] == '\n'; }

  void SkipBlanks() {
    while (!AtEndOfLine() && IsBlank(text_[at_])) ++at_;
  }

  void SkipLine() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    if (at_ == text_.size()) return;
    ++at_;
    ++line_;
  }

  void Fail(std::string message) { file_.errors.push_back({line_, std::move(message)}); }

  std::string_view TakeName() {
    const size_t begin = at_;
    while (!AtEndOfLine() && IsNameByte(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void ParseLine() {
    SkipBlanks();
    if (AtEndOfLine() || text_[at_] == '#') return;
    DotenvEntry entry;
    entry.line = line_;
    std::string_view name = TakeName();
    if (name == "export" && !AtEndOfLine() && IsBlank(text_[at_])) {
      SkipBlanks();
      name = TakeName();
    }
    SkipBlanks();
    if (name.empty() || !IsLetter(name[0]) || name.size() > kMaxName) {
      return Fail("does not begin with a name; allowed: NAME=value");
    }
    entry.name = name;
    if (AtEndOfLine() || text_[at_] == '#') return;
    if (text_[at_] != '=') return Fail(fmt::format("no '=' after '{}'", name.substr(0, 64)));
    ++at_;
    SkipBlanks();
    if (!TakeValue(entry)) return;
    if (entry.value.find('\0') != std::string::npos) {
      file_.errors.push_back({entry.line, "the value has a NUL byte"});
      return;
    }
    file_.entries.push_back(std::move(entry));
  }

  bool TakeValue(DotenvEntry& entry) {
    if (AtEndOfLine()) return true;
    if (text_[at_] == '\'' || text_[at_] == '"') return TakeQuoted(text_[at_], entry);
    TakeUnquoted(entry);
    return true;
  }

  void TakeUnquoted(DotenvEntry& entry) {
    const size_t begin = at_;
    size_t end = at_;  // behind the last byte that is not blank
    for (; !AtEndOfLine(); ++at_) {
      const char c = text_[at_];
      if (c == '#' && IsBlank(text_[at_ - 1])) break;
      if (c == '$' && IsExpansion(text_, at_)) entry.has_expansion = true;
      if (!IsBlank(c)) end = at_ + 1;
    }
    entry.value = text_.substr(begin, end - begin);
  }

  bool TakeQuoted(char quote, DotenvEntry& entry) {
    const size_t begin = at_++;
    const int begin_line = line_;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '$' && quote == '"' && IsExpansion(text_, at_)) entry.has_expansion = true;
      if (c == '\\' && at_ + 1 < text_.size()) {
        const char next = text_[at_ + 1];
        const char meaning = quote == '"' ? Escaped(next) : (next == '\'' ? next : '\0');
        if (meaning != '\0') {
          c = meaning;
          ++at_;
        }
      }
      entry.value += c;
    }
    if (at_ >= text_.size()) {
      // The rest of this line is lost, not the rest of the file.
      at_ = begin;
      line_ = begin_line;
      Fail(fmt::format("the {} quote has no end", quote == '"' ? "double" : "single"));
      return false;
    }
    ++at_;
    SkipBlanks();
    if (AtEndOfLine() || text_[at_] == '#') return true;
    Fail("only a comment may stand behind the closing quote");
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  DotenvFile file_;
};

}  // namespace

DotenvFile ParseDotenv(std::string_view text) { return DotenvParser(text).Parse(); }

}  // namespace mao
