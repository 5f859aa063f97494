#include "serve/store/random_id.h"

#include <array>

#include <openssl/rand.h>

namespace mao {

Result<std::string> RandomId(std::string_view prefix) {
  std::array<uint8_t, 16> bytes = {};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return UnavailableError("libcrypto: no random bytes for a new id");
  }
  return std::string(prefix) + HexOf(bytes);
}

std::string HexOf(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace mao
