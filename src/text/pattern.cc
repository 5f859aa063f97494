#include "text/pattern.h"

#include <cstring>
#include <utility>

#include <fmt/core.h>

namespace mao {

namespace {

// memmem, because its worst case is linear, which std::string_view::find does not promise.
void FindLiteral(std::string_view text, std::string_view literal, std::vector<TextRange>& matches) {
  if (literal.empty()) return;
  size_t from = 0;
  while (from < text.size()) {
    const void* hit =
        memmem(text.data() + from, text.size() - from, literal.data(), literal.size());
    if (hit == nullptr) return;
    const size_t begin = static_cast<size_t>(static_cast<const char*>(hit) - text.data());
    matches.push_back({begin, begin + literal.size()});
    from = begin + literal.size();
  }
}

}  // namespace

Result<Pattern> Pattern::FromRegex(std::string_view expression) {
  MAO_ASSIGN_OR_RETURN(Regex regex, Regex::Compile(expression));
  return Pattern(std::move(regex));
}

Status Pattern::FindAll(std::string_view text, RegexScratch& scratch,
                        std::vector<TextRange>& matches) const {
  if (const Regex* regex = std::get_if<Regex>(&form_)) {
    return regex->FindAll(text, scratch, matches);
  }
  matches.clear();
  FindLiteral(text, std::get<std::string>(form_), matches);
  return OkStatus();
}

Result<std::string> ReplaceAll(std::string_view text, const Pattern& pattern,
                               std::string_view content, RegexScratch& scratch) {
  std::vector<TextRange> matches;
  MAO_RETURN_IF_ERROR(pattern.FindAll(text, scratch, matches));
  size_t size = text.size() + matches.size() * content.size();
  for (const TextRange& match : matches) size -= match.size();
  if (size > kMaxReplacedBytes) {
    return OutOfRangeError(fmt::format("replacing would give {} bytes of text, the limit is {}",
                                       size, kMaxReplacedBytes));
  }
  std::string replaced;
  replaced.reserve(size);
  size_t copied = 0;
  for (const TextRange& match : matches) {
    replaced.append(text.substr(copied, match.begin - copied));
    replaced.append(content);
    copied = match.end;
  }
  replaced.append(text.substr(copied));
  return replaced;
}

}  // namespace mao
