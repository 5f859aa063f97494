// URLs that clients give, read by the same parser that later fetches them (libcurl's), so that the
// two cannot disagree about the host.
#ifndef MAOOCR_SERVE_FETCH_CHECKED_URL_H_
#define MAOOCR_SERVE_FETCH_CHECKED_URL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace mao {

struct UrlRules {
  std::vector<uint16_t> allowed_ports = {80, 443};  // empty: all
  // "example.org", or "*.example.org" for everything below it; empty: all hosts.
  std::vector<std::string> allowed_domains;
};

struct CheckedUrl {
  std::string url;  // as the parser writes it: without user, fragment and the host's last dot
  bool is_https = false;
  std::string host;  // in lower case; an IPv6 address without brackets
  uint16_t port = 0;
};

inline constexpr size_t kMaxUrlBytes = 8192;

// InvalidArgument: no URL, another scheme than http and https, a user or password, a host or port
// that the rules do not allow. OutOfRange: longer than kMaxUrlBytes. Messages name the host only:
// paths and queries may be secret.
Result<CheckedUrl> CheckUrl(const std::string& url, const UrlRules& rules);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_CHECKED_URL_H_
