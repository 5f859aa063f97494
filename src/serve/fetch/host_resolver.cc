#include "serve/fetch/host_resolver.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>

#include <fmt/core.h>

namespace mao {
namespace {

using Addresses = std::vector<IpAddress>;

constexpr int kMaxLookups = 64;
constexpr size_t kMaxAddresses = 16;

// Outlives whoever waits for it.
struct Lookup {
  std::mutex mutex;
  std::condition_variable_any done;
  std::optional<Result<Addresses>> result;
};

// Of the process, as the lookups that are left behind.
std::atomic<int>& NumLookups() {
  static std::atomic<int> count = 0;
  return count;
}

}  // namespace

Result<Addresses> ResolveBySystem(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_AGAIN || error == EAI_MEMORY || error == EAI_SYSTEM) {
    return UnavailableError(fmt::format("'{}' cannot be looked up now", host));
  }
  if (error != 0) return InvalidArgumentError(fmt::format("there is no host '{}'", host));
  Addresses addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    const std::optional<IpAddress> address = IpAddressOf(*entry->ai_addr);
    if (!address.has_value() || addresses.size() == kMaxAddresses) continue;
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  }
  freeaddrinfo(found);
  return addresses;
}

Result<Addresses> ResolveInTime(const ResolveHost& resolve, const std::string& host,
                                std::chrono::steady_clock::time_point deadline,
                                const std::stop_token& stop) {
  const Status busy = UnavailableError(
      fmt::format("'{}' cannot be looked up now: {} lookups are under way", host, kMaxLookups));
  if (++NumLookups() > kMaxLookups) {
    --NumLookups();
    return busy;
  }
  const auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, resolve, host] {
      Result<Addresses> result = resolve(host);
      {
        const std::lock_guard lock(lookup->mutex);
        lookup->result = std::move(result);
        lookup->done.notify_all();
      }
      --NumLookups();
    }).detach();
  } catch (const std::system_error&) {  // no thread left
    --NumLookups();
    return busy;
  }
  std::unique_lock lock(lookup->mutex);
  lookup->done.wait_until(lock, stop, deadline, [&] { return lookup->result.has_value(); });
  if (lookup->result.has_value()) return *std::move(lookup->result);
  if (stop.stop_requested()) return CancelledError("the request was cancelled");
  return DeadlineExceededError(fmt::format("looking up '{}' takes too long", host));
}

}  // namespace mao
