#include "serve/store/key_hash.h"

#include <algorithm>
#include <set>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <fmt/core.h>

#include "serve/store/random_id.h"

namespace mao {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::string_view kKeyPrefix = "mao_";
constexpr size_t kIdChars = 8;

bool IsVisibleAscii(char c) { return c > ' ' && c <= '~'; }

std::optional<uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::string Base64Url(std::span<const uint8_t> bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int num_bits = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (num_bits += 8; num_bits >= 6; num_bits -= 6)
      text += kAlphabet[bits >> (num_bits - 6) & 63];
  }
  if (num_bits > 0) text += kAlphabet[bits << (6 - num_bits) & 63];
  return text;
}

}  // namespace

Result<ApiKeyHash> ApiKeyHash::OfKey(std::string_view key) {
  if (key.size() < kMinKeyChars || key.size() > kMaxKeyChars) {
    return InvalidArgumentError(fmt::format("API key: {} characters; allowed are {} to {}",
                                            key.size(), kMinKeyChars, kMaxKeyChars));
  }
  if (!std::all_of(key.begin(), key.end(), IsVisibleAscii)) {
    return InvalidArgumentError("API key: holds a character that is not visible ASCII");
  }
  ApiKeyHash hash;
  if (EVP_Digest(key.data(), key.size(), hash.bytes_.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    return UnavailableError("API key: libcrypto offers no SHA-256");
  }
  return hash;
}

Result<ApiKeyHash> ApiKeyHash::Parse(std::string_view text, std::string_view name) {
  Status wrong = InvalidArgumentError(
      fmt::format("{}: not \"sha256:\" and 64 hex digits, as an API key's hash is written", name));
  ApiKeyHash hash;
  if (!text.starts_with(kHashPrefix)) return wrong;
  text.remove_prefix(kHashPrefix.size());
  if (text.size() != hash.bytes_.size() * 2) return wrong;
  for (size_t i = 0; i < hash.bytes_.size(); ++i) {
    const auto high = HexDigit(text[2 * i]);
    const auto low = HexDigit(text[2 * i + 1]);
    if (!high || !low) return wrong;
    hash.bytes_[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return hash;
}

std::string ApiKeyHash::ToString() const { return std::string(kHashPrefix) + HexOf(bytes_); }

std::string ApiKeyHash::Id() const { return HexOf(std::span(bytes_).first(kIdChars / 2)); }

Result<std::string> GenerateApiKey() {
  std::array<uint8_t, 32> bytes = {};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return UnavailableError("libcrypto: no random bytes for a new API key");
  }
  return std::string(kKeyPrefix) + Base64Url(bytes);
}

Result<ApiKeyTable> ApiKeyTable::Create(std::vector<ApiKeyHash> keys) {
  std::set<std::string> ids;
  for (const ApiKeyHash& key : keys) {
    if (!ids.insert(key.Id()).second) {
      return InvalidArgumentError(fmt::format("API keys: two with the id {}", key.Id()));
    }
  }
  return ApiKeyTable(std::move(keys));
}

std::optional<size_t> ApiKeyTable::Find(std::string_view key) const {
  const auto presented = ApiKeyHash::OfKey(key);
  if (!presented.ok()) return std::nullopt;
  const auto wanted = presented->bytes();
  size_t found = keys_.size();
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (CRYPTO_memcmp(keys_[i].bytes().data(), wanted.data(), wanted.size()) == 0) found = i;
  }
  if (found == keys_.size()) return std::nullopt;
  return found;
}

}  // namespace mao
