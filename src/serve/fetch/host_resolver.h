// Host names to addresses, in bounded time.
#ifndef MAOOCR_SERVE_FETCH_HOST_RESOLVER_H_
#define MAOOCR_SERVE_FETCH_HOST_RESOLVER_H_

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/fetch/address_policy.h"

namespace mao {

// All addresses of a host (a name, or an address in any spelling), best first; blocking, on any
// thread. Errors name the host.
using ResolveHost = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;

// The system's: getaddrinfo, which has no time limit of its own.
Result<std::vector<IpAddress>> ResolveBySystem(const std::string& host);

// Runs `resolve` on a thread of its own and leaves it there when the deadline passes
// (DeadlineExceeded) or a stop is requested (Cancelled). Unavailable when too many are left behind.
Result<std::vector<IpAddress>> ResolveInTime(const ResolveHost& resolve, const std::string& host,
                                             std::chrono::steady_clock::time_point deadline,
                                             const std::stop_token& stop);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_HOST_RESOLVER_H_
