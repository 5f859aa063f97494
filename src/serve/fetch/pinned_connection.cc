#include "serve/fetch/pinned_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

using Addresses = std::vector<IpAddress>;

curl_socket_t RefuseSocket() { return CURL_SOCKET_BAD; }

// Opens sockets to the checked addresses only. This is what holds whatever libcurl believes the
// addresses of the host to be.
curl_socket_t OpenCheckedSocket(void* checked, curlsocktype purpose, curl_sockaddr* to) {
  if (purpose != CURLSOCKTYPE_IPCXN) return RefuseSocket();
  const auto& addresses = *static_cast<const Addresses*>(checked);
  const std::optional<IpAddress> address = IpAddressOf(to->addr);
  if (!address.has_value() ||
      std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    return RefuseSocket();
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// "host:port:address,address", which stands in for libcurl's own look-up.
std::string PinnedHost(const CheckedUrl& url, const Addresses& addresses) {
  std::string entry = fmt::format("{}:{}:", url.host, url.port);
  for (const IpAddress& address : addresses) {
    if (entry.back() != ':') entry += ',';
    entry += address.is_v6 ? "[" + ToString(address) + "]" : ToString(address);
  }
  return entry;
}

}  // namespace

Status CheckAddresses(const std::string& host, std::span<const IpAddress> addresses,
                      bool allow_private) {
  for (const IpAddress& address : addresses) {
    const std::string_view why = WhyRefused(address, allow_private);
    if (!why.empty()) {
      return InvalidArgumentError(
          fmt::format("'{}' is not on the public internet ({})", host, why));
    }
  }
  return OkStatus();
}

// An address needs no look-up, and with colons in it could not be told from its port.
PinnedConnection::PinnedConnection(const CheckedUrl& url, std::vector<IpAddress> addresses)
    : needs_lookup_(!ParseIpAddress(url.host).has_value()),
      addresses_(std::move(addresses)),
      resolve_(curl_slist_append(nullptr, PinnedHost(url, addresses_).c_str())) {}

Status PinnedConnection::Pin(CurlTransfer& transfer) {
  if (resolve_ == nullptr) return ResourceExhaustedError("no memory for a transfer");
  if (needs_lookup_) transfer.Set(CURLOPT_RESOLVE, resolve_);
  transfer.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenCheckedSocket);
  transfer.Set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&addresses_));
  return OkStatus();
}

}  // namespace mao
