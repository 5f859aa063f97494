#include "serve/jobs/webhooks.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "serve/api/base64.h"

namespace mao {

std::string WebhookSignature(std::string_view key, std::string_view id, int64_t timestamp,
                             std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", id, timestamp, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  // It fails on keys above what Create takes only.
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return "v1," + EncodeBase64({reinterpret_cast<const char*>(digest.data()), size});
}

Result<Webhooks> Webhooks::Create(std::string_view secret, PostConfig config) {
  constexpr std::string_view kPrefix = "whsec_";
  constexpr size_t kMinKeyBytes = 24;
  constexpr size_t kMaxKeyBytes = 64;
  if (secret.starts_with(kPrefix)) {
    Result<std::string> key = DecodeBase64(secret.substr(kPrefix.size()));
    if (key.ok() && key->size() >= kMinKeyBytes && key->size() <= kMaxKeyBytes) {
      return Webhooks(*std::move(key), std::move(config));
    }
  }
  return InvalidArgumentError(
      fmt::format("webhook_secret: expected {} and the base64 of {} to {} random bytes, as from "
                  "echo {}$(openssl rand -base64 32)",
                  kPrefix, kMinKeyBytes, kMaxKeyBytes, kPrefix));
}

Status Webhooks::CheckUrl(const std::string& url) const {
  return mao::CheckUrl(url, config_.rules).status();
}

Status Webhooks::Send(const std::string& url, const std::string& id, const std::string& json,
                      const std::stop_token& stop) const {
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  return PostJson(config_, url,
                  {"webhook-id: " + id, fmt::format("webhook-timestamp: {}", now),
                   "webhook-signature: " + WebhookSignature(key_, id, now, json)},
                  json, stop);
}

}  // namespace mao
