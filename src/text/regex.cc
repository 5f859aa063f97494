#include "text/regex.h"

#include <algorithm>
#include <array>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/core.h>
#include <pcre2.h>

#include "text/regex_syntax.h"
#include "text/utf8.h"

namespace mao {

namespace {

// Memory of one search: the JIT's stack, and the interpreter's heap where there is no JIT.
constexpr size_t kJitStackStartBytes = 32 * 1024;
constexpr size_t kJitStackMaxBytes = 8 * 1024 * 1024;
constexpr uint32_t kHeapLimitKib = 64 * 1024;

// PCRE2 counts backtracking per starting position. The interpreter needs one count per character of
// a long run, so the limit grows with the text.
constexpr uint32_t kMatchLimitBase = 10'000;
constexpr uint32_t kMatchLimitPerByte = 4;

// A single call into PCRE2 tries at most so many starting positions that (positions x text) stays
// below this, for the clock to be read between the calls.
constexpr size_t kMaxWorkPerCall = size_t{1} << 26;
constexpr size_t kMinStartsPerCall = 64;
constexpr unsigned kCallsPerClockRead = 64;

std::string ErrorText(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

struct CompileContext {
  pcre2_compile_context* get = pcre2_compile_context_create(nullptr);
  ~CompileContext() { pcre2_compile_context_free(get); }
};

}  // namespace

struct RegexScratch::Pcre2State {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = nullptr;

  Pcre2State() = default;
  Pcre2State(const Pcre2State&) = delete;
  Pcre2State& operator=(const Pcre2State&) = delete;
  ~Pcre2State() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }

  // The machine stack is enough for nearly every expression, so the big one is made when asked for.
  bool GrowStack() {
    if (stack != nullptr) return false;
    stack = pcre2_jit_stack_create(kJitStackStartBytes, kJitStackMaxBytes, nullptr);
    if (stack == nullptr) return false;
    pcre2_jit_stack_assign(context, nullptr, stack);
    return true;
  }
};

RegexScratch::RegexScratch(size_t text_bytes)
    : RegexScratch(Clock::now() + std::chrono::seconds(kBaseSeconds) +
                   std::chrono::microseconds(10 * text_bytes)) {}

RegexScratch::RegexScratch(Clock::time_point deadline) : deadline_(deadline) {}

RegexScratch::~RegexScratch() = default;

RegexScratch::Pcre2State* RegexScratch::State() {
  if (state_ == nullptr) state_ = std::make_unique<Pcre2State>();
  return state_->data != nullptr && state_->context != nullptr ? state_.get() : nullptr;
}

Status RegexScratch::CheckDeadline() {
  if (++num_checks_ % kCallsPerClockRead != 0) return OkStatus();
  if (Clock::now() < deadline_) return OkStatus();
  return DeadlineExceededError(
      fmt::format("regular expressions took more than {} s plus 1 s per 100 kB", kBaseSeconds));
}

struct Regex::Code {
  pcre2_code* get = nullptr;
};

void Regex::CodeDeleter::operator()(Code* code) const {
  pcre2_code_free(code->get);
  delete code;
}

Result<Regex> Regex::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return OutOfRangeError(fmt::format("a regular expression of {} bytes, the limit is {}",
                                       pattern.size(), kMaxPatternBytes));
  }
  MAO_ASSIGN_OR_RETURN(const std::string translated, OnigurumaToPcre2(pattern));
  const CompileContext context;
  if (context.get == nullptr) return ResourceExhaustedError("no memory for a regular expression");
  pcre2_set_newline(context.get, PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Regex regex;
  regex.pattern_ = pattern;
  regex.code_.reset(new Code);
  regex.code_->get = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT,
      &error, &offset, context.get);
  if (regex.code_->get == nullptr) {
    return InvalidArgumentError(
        fmt::format("regular expression '{}': {}", pattern, ErrorText(error)));
  }
  // Without JIT (unsupported machine) pcre2_match interprets, under the same limits.
  pcre2_jit_compile(regex.code_->get, PCRE2_JIT_COMPLETE);
  return regex;
}

Status Regex::Search(std::string_view text, size_t from, RegexScratch& scratch, TextRange& match,
                     bool& found) const {
  RegexScratch::Pcre2State* state = scratch.State();
  if (state == nullptr) return ResourceExhaustedError("no memory to match a regular expression");
  const size_t starts = std::max(kMinStartsPerCall, kMaxWorkPerCall / (text.size() + 1));
  found = false;
  while (true) {
    MAO_RETURN_IF_ERROR(scratch.CheckDeadline());
    size_t last_start = std::min(text.size(), from + starts);
    while (last_start < text.size() && IsContinuation(text[last_start])) ++last_start;
    pcre2_set_offset_limit(state->context, last_start);
    const int rc = pcre2_match(code_->get, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                               from, PCRE2_NO_UTF_CHECK, state->data, state->context);
    if (rc >= 0) break;
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT && state->GrowStack()) continue;
    if (rc != PCRE2_ERROR_NOMATCH) {
      return OutOfRangeError(fmt::format("regular expression '{}': {}", pattern_, ErrorText(rc)));
    }
    if (last_start == text.size()) return OkStatus();
    from = last_start;
  }
  const PCRE2_SIZE* ovector = pcre2_get_ovector_pointer(state->data);
  match = {ovector[0], ovector[1]};
  found = true;
  return OkStatus();
}

Status Regex::FindAll(std::string_view text, RegexScratch& scratch,
                      std::vector<TextRange>& matches) const {
  matches.clear();
  if (RegexScratch::Pcre2State* state = scratch.State(); state != nullptr) {
    pcre2_set_match_limit(
        state->context, kMatchLimitBase + kMatchLimitPerByte * static_cast<uint32_t>(text.size()));
    pcre2_set_heap_limit(state->context, kHeapLimitKib);
  }
  size_t from = 0;
  while (from <= text.size()) {
    TextRange match{};
    bool found = false;
    MAO_RETURN_IF_ERROR(Search(text, from, scratch, match, found));
    if (!found) break;
    const bool has_previous = !matches.empty();
    const size_t previous_end = has_previous ? matches.back().end : 0;
    if (match.begin > match.end || match.begin < previous_end) {
      return UnimplementedError(fmt::format("regular expression '{}' moves backwards", pattern_));
    }
    if (match.size() == 0 && has_previous && match.end == previous_end) {
      if (from == text.size()) break;
      from += DecodeUtf8(text, from).size;
      continue;
    }
    matches.push_back(match);
    from = match.end;
  }
  return OkStatus();
}

}  // namespace mao
