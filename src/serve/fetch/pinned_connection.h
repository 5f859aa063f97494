// Connections that go to addresses which were checked before, and to nothing else.
#ifndef MAOOCR_SERVE_FETCH_PINNED_CONNECTION_H_
#define MAOOCR_SERVE_FETCH_PINNED_CONNECTION_H_

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/fetch/address_policy.h"
#include "serve/fetch/checked_url.h"
#include "serve/fetch/curl_transfer.h"

namespace mao {

// InvalidArgument if one of a host's addresses must not be reached: honest hosts have none. See
// WhyRefused.
Status CheckAddresses(const std::string& host, std::span<const IpAddress> addresses,
                      bool allow_private);

// For one transfer, which it outlives.
class PinnedConnection {
 public:
  PinnedConnection(const CheckedUrl& url, std::vector<IpAddress> addresses);
  ~PinnedConnection() { curl_slist_free_all(resolve_); }
  PinnedConnection(const PinnedConnection&) = delete;
  PinnedConnection& operator=(const PinnedConnection&) = delete;

  // ResourceExhausted: no memory.
  Status Pin(CurlTransfer& transfer);

 private:
  const bool needs_lookup_;  // the host is a name
  std::vector<IpAddress> addresses_;
  curl_slist* resolve_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_PINNED_CONNECTION_H_
