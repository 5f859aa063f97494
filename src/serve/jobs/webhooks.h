// Signed messages to URLs that clients gave, as Standard Webhooks describes them
// (https://www.standardwebhooks.com), which OpenAI's webhooks follow as well.
#ifndef MAOOCR_SERVE_JOBS_WEBHOOKS_H_
#define MAOOCR_SERVE_JOBS_WEBHOOKS_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/fetch/url_poster.h"

namespace mao {

// "v1," and the base64 of the HMAC-SHA256 of "id.timestamp.body".
std::string WebhookSignature(std::string_view key, std::string_view id, int64_t timestamp,
                             std::string_view body);

class Webhooks {
 public:
  // `secret` is "whsec_" and the base64 of 24 to 64 bytes. InvalidArgument otherwise; it does not
  // repeat the secret.
  static Result<Webhooks> Create(std::string_view secret, PostConfig config);

  // InvalidArgument, OutOfRange: nothing could be sent there, whatever its host's addresses are.
  Status CheckUrl(const std::string& url) const;

  // `id` is the same for each attempt to send a message, so that receivers can tell. Errors: those
  // of PostJson.
  Status Send(const std::string& url, const std::string& id, const std::string& json,
              const std::stop_token& stop) const;

 private:
  Webhooks(std::string key, PostConfig config) : key_(std::move(key)), config_(std::move(config)) {}

  std::string key_;
  PostConfig config_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_WEBHOOKS_H_
