#include "serve/api/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int8_t kWrong = -1;
constexpr int8_t kSpace = -2;

constexpr std::array<int8_t, 256> MakeDigits() {
  std::array<int8_t, 256> digits{};
  for (int8_t& digit : digits) digit = kWrong;
  for (int8_t i = 0; i < 64; ++i) digits[static_cast<uint8_t>(kAlphabet[i])] = i;
  digits['-'] = 62;
  digits['_'] = 63;
  digits['\n'] = digits['\r'] = digits[' '] = digits['\t'] = kSpace;
  return digits;
}
constexpr std::array<int8_t, 256> kDigits = MakeDigits();

}  // namespace

Result<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t group = 0;
  int num_digits = 0;  // of the group
  size_t i = 0;
  for (; i < text.size() && text[i] != '='; ++i) {
    const int8_t digit = kDigits[static_cast<uint8_t>(text[i])];
    if (digit == kSpace) continue;
    if (digit == kWrong) {
      return InvalidArgumentError(fmt::format("base64: wrong character at byte {}", i));
    }
    group = group << 6 | static_cast<uint32_t>(digit);
    if (++num_digits < 4) continue;
    bytes += static_cast<char>(group >> 16);
    bytes += static_cast<char>(group >> 8);
    bytes += static_cast<char>(group);
    num_digits = 0;
  }
  for (; i < text.size(); ++i) {
    if (text[i] != '=' && kDigits[static_cast<uint8_t>(text[i])] != kSpace) {
      return InvalidArgumentError(fmt::format("base64: padding ends before byte {}", i));
    }
  }
  if (num_digits == 1) return InvalidArgumentError("base64: the text is cut off");
  if (num_digits >= 2) bytes += static_cast<char>(group >> (num_digits == 2 ? 4 : 10));
  if (num_digits == 3) bytes += static_cast<char>(group >> 2);
  return bytes;
}

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t num_bytes = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < num_bytes ? static_cast<uint8_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += k <= num_bytes ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

bool IsDataUri(std::string_view uri) { return uri.starts_with("data:"); }

Result<std::string> DecodeDataUri(std::string_view uri) {
  const size_t comma = uri.find(',');
  if (!IsDataUri(uri) || comma == std::string_view::npos) {
    return InvalidArgumentError("not a data URI");
  }
  if (!uri.substr(0, comma).ends_with(";base64")) {
    return InvalidArgumentError("the data URI is not base64");
  }
  return DecodeBase64(uri.substr(comma + 1));
}

}  // namespace mao
