#include "serve/config/assignment.h"

#include <fmt/core.h>

namespace mao {
namespace {

constexpr size_t kMaxShownErrors = 50;
constexpr size_t kMaxQuoted = 64;

}  // namespace

std::string SettingOrigin::ToString() const {
  switch (kind) {
    case Kind::kDefault:
      return "default";
    case Kind::kYaml:
      return fmt::format("{}:{}", file, line);
    case Kind::kDotenv:
      return fmt::format("{}:{} {}", file, line, name);
    case Kind::kEnvironment:
      return "environment " + name;
    case Kind::kFlag:
      return "flag " + name;
  }
  return "";
}

std::string SettingOrigin::Where() const {
  switch (kind) {
    case Kind::kDefault:
      return "default";
    case Kind::kYaml:
    case Kind::kDotenv:
      return fmt::format("{}: {} at line {}", file, name, line);
    case Kind::kEnvironment:
      return "environment: " + name;
    case Kind::kFlag:
      return "command line: " + name;
  }
  return "";
}

void ConfigErrors::Add(std::string message) { messages_.push_back(std::move(message)); }

Status ConfigErrors::ToStatus() const {
  if (messages_.empty()) return OkStatus();
  if (messages_.size() == 1) return InvalidArgumentError(messages_[0]);
  std::string text = fmt::format("{} errors in the configuration:", messages_.size());
  for (size_t i = 0; i < messages_.size() && i < kMaxShownErrors; ++i) {
    text += "\n  " + messages_[i];
  }
  if (messages_.size() > kMaxShownErrors) {
    text += fmt::format("\n  and {} more", messages_.size() - kMaxShownErrors);
  }
  return InvalidArgumentError(std::move(text));
}

std::string QuotedForError(std::string_view text) {
  std::string shown(text.substr(0, kMaxQuoted));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  }
  // Not in the middle of a character of UTF-8.
  if (text.size() > kMaxQuoted) {
    while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xC0) == 0x80) {
      shown.pop_back();
    }
    shown += "...";
  }
  return "'" + shown + "'";
}

std::vector<std::string> SplitSettingList(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
    const size_t begin = item.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) continue;
    items.emplace_back(item.substr(begin, item.find_last_not_of(kBlanks) + 1 - begin));
  }
  return items;
}

}  // namespace mao
