#include "weights/message.h"

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace mao {
namespace {

constexpr size_t kMaxQuotedBytes = 200;

bool IsUtf8Continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u; }

}  // namespace

std::string JsonQuote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string Quoted(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return JsonQuote(text);
  size_t end = kMaxQuotedBytes;
  while (end > 0 && IsUtf8Continuation(text[end])) --end;
  return JsonQuote(text.substr(0, end)) + "…";
}

std::string Listing(std::span<const std::string> items, size_t max_items) {
  const auto shown = items.first(std::min(items.size(), max_items));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (shown.size() < items.size()) text += fmt::format(" … and {} more", items.size() - max_items);
  return text;
}

}  // namespace mao
