#include "serve/config/setting_types.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

namespace mao::setting_types {
namespace {

constexpr size_t kMaxPath = 4096;
constexpr size_t kMaxUrl = 2048;
constexpr size_t kMaxWord = 256;
constexpr size_t kMaxSecret = 512;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z');
}

// Letters, digits and the others given; at most max_size of them.
bool ConsistsOf(std::string_view text, std::string_view others, size_t max_size) {
  return text.size() <= max_size && std::all_of(text.begin(), text.end(), [&](char c) {
           return IsAlphanumeric(c) || others.find(c) != std::string_view::npos;
         });
}

bool IsVisibleAscii(std::string_view text, size_t max_size) {
  return text.size() <= max_size &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// File names may hold any byte; those that steer a terminal have no place in a configuration.
bool IsPath(std::string_view text) {
  return text.size() <= kMaxPath && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < ' ' || c == 0x7F;
         });
}

bool IsHost(std::string_view text) { return ConsistsOf(text, ".-:%_", kMaxWord); }

bool IsIdentifier(std::string_view text) { return ConsistsOf(text, "_-.", kMaxWord); }

bool IsModelName(std::string_view text) { return ConsistsOf(text, "_-./:@+", kMaxWord); }

// "***" would be the output of `config show`, taken for a configuration.
bool IsSecret(std::string_view text) { return IsVisibleAscii(text, kMaxSecret) && text != "***"; }

// The part behind "http://" or "https://"; empty if there is neither.
std::string_view BehindScheme(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.size() > scheme.size() && EqualIgnoringCase(url.substr(0, scheme.size()), scheme)) {
      return url.substr(scheme.size());
    }
  }
  return {};
}

bool IsUrl(std::string_view text) {
  const std::string_view rest = BehindScheme(text);
  return IsVisibleAscii(text, kMaxUrl) && !rest.empty() && rest[0] != '/' &&
         text.find_first_of("\"'<>\\^`{|}#") == std::string_view::npos &&
         text.find("***@") == std::string_view::npos;
}

bool IsDomain(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  return ConsistsOf(text, ".-", kMaxWord) && !text.empty() && text.front() != '.' &&
         text.front() != '-';
}

bool IsOrigin(std::string_view text) {
  const std::string_view rest = BehindScheme(text);
  return text == "*" || (!rest.empty() && ConsistsOf(rest, ".-:[]", kMaxWord));
}

}  // namespace

const TextRule kPath = {"FILE", "a path of up to 4096 bytes without control characters", IsPath};
const TextRule kFolder = {"DIR", kPath.allowed, IsPath};
const TextRule kHost = {"HOST", "a host name or an IP address", IsHost, false};
const TextRule kIdentifier = {"NAME", "up to 256 letters, digits and _ - .", IsIdentifier};
const TextRule kModelName = {"NAME", "up to 256 letters, digits and _ - . / : @ +", IsModelName};
const TextRule kSecret = {
    "KEY", "up to 512 visible ASCII characters (*** is what is shown in their place)", IsSecret};
const TextRule kUrl = {"URL", "http:// or https:// and a host, up to 2048 bytes", IsUrl};
const TextRule kDomain = {"DOMAIN", "example.org, or *.example.org for all below it", IsDomain};
const TextRule kOrigin = {"ORIGIN", "*, or http(s):// and a host without a path", IsOrigin};

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<bool> ParseSwitch(std::string_view text) {
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (EqualIgnoringCase(text, yes)) return true;
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (EqualIgnoringCase(text, no)) return false;
  }
  return std::nullopt;
}

std::string FormatNumber(double value) { return fmt::format("{}", value); }

std::string WholeNumberAllowed(int64_t min, int64_t max, int64_t multiple_of) {
  const std::string kind =
      multiple_of == 1 ? "a whole number" : fmt::format("a multiple of {}", multiple_of);
  return fmt::format("{} from {} to {}", kind, min, max);
}

std::string NumberAllowed(double min, double max, bool above_min) {
  return fmt::format("a number {} {} {} {}", above_min ? "above" : "from", min,
                     above_min ? "and up to" : "to", max);
}

std::string ListAllowed(const TextRule& rule) {
  return fmt::format("a list of up to {} of: {}", kMaxListItems, rule.allowed);
}

}  // namespace mao::setting_types
