// Gets what clients name by URL, without letting them reach what only this server can reach.
#ifndef MAOOCR_SERVE_FETCH_URL_FETCHER_H_
#define MAOOCR_SERVE_FETCH_URL_FETCHER_H_

#include <chrono>
#include <cstddef>

#include "serve/api/service.h"
#include "serve/fetch/checked_url.h"
#include "serve/fetch/host_resolver.h"

namespace mao {

struct FetchConfig {
  UrlRules rules;
  // Loopback, private, shared and unique local addresses; see address_policy.h.
  bool allow_private_addresses = false;
  int max_redirects = 0;  // each is checked like the first URL; never from https to http
  size_t max_bytes = size_t{50} << 20;
  std::chrono::milliseconds timeout{10'000};  // look-up, redirects and body together
  std::chrono::milliseconds connect_timeout{5'000};
  // Slower than this for so long on end, the transfer is given up.
  size_t min_bytes_per_second = 1024;
  std::chrono::seconds slow_for{5};
  // Through http_proxy and the like. The proxy then looks the host up once more and connects, so it
  // has to keep clients from the addresses that they must not reach.
  bool use_environment_proxy = false;
  ResolveHost resolve = ResolveBySystem;
};

// The host is looked up once for each URL and all its addresses are checked; the connection goes to
// one of these and to nothing else, whatever a second look-up would say. Nothing is decompressed.
// Errors name the host and the limit, never what was received: InvalidArgument (the URL, the host,
// its addresses, a redirect, status 4xx), OutOfRange (above max_bytes), DeadlineExceeded (also of
// config.timeout), Unavailable (no connection, cut off, status 5xx), Cancelled.
FetchUrl MakeUrlFetcher(FetchConfig config);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_URL_FETCHER_H_
