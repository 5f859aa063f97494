// API keys as the configuration keeps them: by their hash alone.
//
// A plain SHA-256 suffices, without salt or slow hashing: a key that GenerateApiKey makes has 256
// random bits, so that neither tables nor guessing reach it. Keys of a user's own choice can be
// guessed, so short ones are refused.
#ifndef MAOOCR_SERVE_STORE_KEY_HASH_H_
#define MAOOCR_SERVE_STORE_KEY_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

class ApiKeyHash {
 public:
  static constexpr size_t kMinKeyChars = 20;
  static constexpr size_t kMaxKeyChars = 512;

  // The hash of a key. InvalidArgument: shorter or longer than the limits, or characters other than
  // visible ASCII. The message never holds the key.
  static Result<ApiKeyHash> OfKey(std::string_view key);

  // Reads "sha256:<64 hex digits>". `name` is what the message calls it: the text itself might be
  // a key that was put in the wrong place.
  static Result<ApiKeyHash> Parse(std::string_view text, std::string_view name);

  std::string ToString() const;  // "sha256:<hex>"

  // The first 8 hex digits: the key's name in logs, statistics and as the owner of jobs and files.
  std::string Id() const;

  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  ApiKeyHash() = default;

  std::array<uint8_t, 32> bytes_ = {};
};

// "mao_" and 43 characters of base64url: 256 random bits.
Result<std::string> GenerateApiKey();

// The keys that a server accepts.
class ApiKeyTable {
 public:
  // InvalidArgument: two keys with one id, so that statistics could not tell them apart.
  static Result<ApiKeyTable> Create(std::vector<ApiKeyHash> keys);

  // The index of the key that was presented. Compares with every key, each in constant time, so
  // that the time tells neither which key matched nor how much of one did.
  std::optional<size_t> Find(std::string_view key) const;

  std::span<const ApiKeyHash> keys() const { return keys_; }

 private:
  explicit ApiKeyTable(std::vector<ApiKeyHash> keys) : keys_(std::move(keys)) {}

  std::vector<ApiKeyHash> keys_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_KEY_HASH_H_
