// Regular expressions over UTF-8 with bounded time and memory: PCRE2 with JIT.
#ifndef MAOOCR_TEXT_REGEX_H_
#define MAOOCR_TEXT_REGEX_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

struct TextRange {
  size_t begin;
  size_t end;
  size_t size() const { return end - begin; }
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

// Working memory and the time budget of the searches of one call; not shared between threads.
class RegexScratch {
 public:
  using Clock = std::chrono::steady_clock;

  // Searching may take kBaseSeconds plus one second per 100 kB of `text_bytes`. The released
  // tokenizers need a hundredth of that; only a hostile expression gets there.
  static constexpr int kBaseSeconds = 10;
  explicit RegexScratch(size_t text_bytes);
  explicit RegexScratch(Clock::time_point deadline);
  ~RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

 private:
  friend class Regex;
  struct Pcre2State;

  // The first call makes the PCRE2 objects; null when there is no memory.
  Pcre2State* State();
  // DeadlineExceeded once the budget is spent; the clock is read every few calls.
  Status CheckDeadline();

  Clock::time_point deadline_;
  unsigned num_checks_ = 0;
  std::unique_ptr<Pcre2State> state_;
};

// A compiled expression. Const use is thread-safe.
class Regex {
 public:
  static constexpr size_t kMaxPatternBytes = 16 * 1024;

  // `pattern` is in Oniguruma's syntax. Errors: InvalidArgument (does not compile), OutOfRange
  // (longer than kMaxPatternBytes), Unimplemented (see regex_syntax.h).
  static Result<Regex> Compile(std::string_view pattern);

  // All matches in `text` (valid UTF-8) from left to right, as Oniguruma's find_iter gives them: an
  // empty match right behind the previous one does not count. `matches` is overwritten.
  // Errors: OutOfRange (too much backtracking or stack), DeadlineExceeded (see RegexScratch).
  Status FindAll(std::string_view text, RegexScratch& scratch,
                 std::vector<TextRange>& matches) const;

  const std::string& pattern() const { return pattern_; }

 private:
  struct Code;  // the compiled form
  struct CodeDeleter {
    void operator()(Code* code) const;
  };

  // Looks for the first match that starts at or after `from`; found = false when there is none.
  Status Search(std::string_view text, size_t from, RegexScratch& scratch, TextRange& match,
                bool& found) const;

  std::string pattern_;
  std::unique_ptr<Code, CodeDeleter> code_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_REGEX_H_
