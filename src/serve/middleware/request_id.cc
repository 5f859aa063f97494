#include "serve/middleware/request_id.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include <fmt/core.h>

namespace mao {
namespace {

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string NewRequestId() {
  thread_local std::mt19937_64 random{std::random_device()()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

bool IsRequestId(std::string_view text) {
  constexpr size_t kMaxLength = 128;
  return !text.empty() && text.size() <= kMaxLength &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.' || c == ':';
         });
}

bool IsTraceparent(std::string_view text) {
  constexpr size_t kLength = 55;
  if (text.size() != kLength || text.substr(0, 3) != "00-" || text[35] != '-' || text[52] != '-') {
    return false;
  }
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  return IsLowerHex(trace) && IsLowerHex(parent) && IsLowerHex(text.substr(53)) && !IsZero(trace) &&
         !IsZero(parent);
}

}  // namespace mao
