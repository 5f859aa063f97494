// Tells something to a URL that a client gave, without letting it reach what only this server can
// reach.
#ifndef MAOOCR_SERVE_FETCH_URL_POSTER_H_
#define MAOOCR_SERVE_FETCH_URL_POSTER_H_

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/fetch/checked_url.h"
#include "serve/fetch/host_resolver.h"

namespace mao {

struct PostConfig {
  UrlRules rules;
  // Loopback, private, shared and unique local addresses; see address_policy.h.
  bool allow_private_addresses = false;
  size_t max_answer_bytes = size_t{64} << 10;  // more is not read; nobody looks at it
  std::chrono::milliseconds timeout{10'000};   // look-up and answer together
  std::chrono::milliseconds connect_timeout{5'000};
  ResolveHost resolve = ResolveBySystem;
};

// POSTs the JSON; ok when the answer's status is 2xx. Addresses are treated as MakeUrlFetcher does,
// and redirects are not followed. `headers` are whole lines. Errors name the host, never the rest of
// the URL: InvalidArgument (the URL, its addresses), DeadlineExceeded, Unavailable (no connection,
// another status), Cancelled.
Status PostJson(const PostConfig& config, const std::string& url,
                const std::vector<std::string>& headers, const std::string& json,
                const std::stop_token& stop);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_URL_POSTER_H_
