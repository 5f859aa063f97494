#include "serve/fetch/address_policy.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace mao {
namespace {

enum class Reach {
  kIntranet,  // somebody's own network
  kNever,     // nothing that an image could come from
  kEmbedded,  // leads to the IPv4 address inside
};

struct RangeRow {
  const char* network;
  int prefix_bits;
  Reach reach;
  const char* what;
  int embedded_at = 0;  // byte of the IPv4 address
};

// The IANA special-purpose address registries (RFC 6890), with what is not globally reachable; in
// each family the first row that matches decides.
constexpr RangeRow kRanges[] = {
    {"0.0.0.0", 8, Reach::kNever, "unspecified, RFC 791"},
    {"10.0.0.0", 8, Reach::kIntranet, "private, RFC 1918"},
    {"100.64.0.0", 10, Reach::kIntranet, "shared by a carrier's NAT, RFC 6598"},
    {"127.0.0.0", 8, Reach::kIntranet, "loopback, RFC 1122"},
    {"168.63.129.16", 32, Reach::kNever, "the host of a cloud's machines"},
    {"169.254.0.0", 16, Reach::kNever, "link-local, RFC 3927"},
    {"172.16.0.0", 12, Reach::kIntranet, "private, RFC 1918"},
    {"192.0.0.0", 24, Reach::kNever, "for protocols, RFC 6890"},
    {"192.0.2.0", 24, Reach::kNever, "for documentation, RFC 5737"},
    {"192.88.99.0", 24, Reach::kNever, "a 6to4 relay, RFC 7526"},
    {"192.168.0.0", 16, Reach::kIntranet, "private, RFC 1918"},
    {"198.18.0.0", 15, Reach::kNever, "for benchmarks, RFC 2544"},
    {"198.51.100.0", 24, Reach::kNever, "for documentation, RFC 5737"},
    {"203.0.113.0", 24, Reach::kNever, "for documentation, RFC 5737"},
    {"224.0.0.0", 4, Reach::kNever, "multicast, RFC 5771"},
    {"240.0.0.0", 4, Reach::kNever, "reserved or broadcast, RFC 1112 and 919"},

    {"::", 128, Reach::kNever, "unspecified, RFC 4291"},
    {"::1", 128, Reach::kIntranet, "loopback, RFC 4291"},
    {"::ffff:0:0", 96, Reach::kEmbedded, "IPv4-mapped, RFC 4291", 12},
    {"64:ff9b::", 96, Reach::kEmbedded, "NAT64, RFC 6052", 12},
    {"64:ff9b:1::", 48, Reach::kNever, "local NAT64, RFC 8215"},
    {"fc00::", 7, Reach::kIntranet, "unique local, RFC 4193"},
    {"fe80::", 10, Reach::kNever, "link-local, RFC 4291"},
    {"fec0::", 10, Reach::kNever, "site-local, RFC 3879"},
    {"ff00::", 8, Reach::kNever, "multicast, RFC 4291"},
    {"2001::", 23, Reach::kNever, "for protocols (Teredo, ORCHID and others), RFC 2928"},
    {"2001:db8::", 32, Reach::kNever, "for documentation, RFC 3849"},
    {"2002::", 16, Reach::kEmbedded, "6to4, RFC 3056", 2},
    {"3fff::", 20, Reach::kNever, "for documentation, RFC 9637"},
};

constexpr RangeRow kGlobalUnicast = {"2000::", 3, Reach::kNever, "not global unicast, RFC 4291"};

struct Range {
  IpAddress network;
  const RangeRow* row;
};

Range MakeRange(const RangeRow& row) {
  return {ParseIpAddress(row.network).value_or(IpAddress()), &row};
}

const std::vector<Range>& Ranges() {
  static const std::vector<Range> ranges = [] {
    std::vector<Range> parsed;
    for (const RangeRow& row : kRanges) parsed.push_back(MakeRange(row));
    return parsed;
  }();
  return ranges;
}

bool Contains(const Range& range, const IpAddress& address) {
  if (range.network.is_v6 != address.is_v6) return false;
  const auto whole = static_cast<size_t>(range.row->prefix_bits / 8);
  const int rest = range.row->prefix_bits % 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole,
                  range.network.bytes.begin())) {
    return false;
  }
  if (rest == 0) return true;
  const int shift = 8 - rest;
  return address.bytes[whole] >> shift == range.network.bytes[whole] >> shift;
}

IpAddress Embedded(const IpAddress& address, int at) {
  IpAddress inner;
  std::copy_n(address.bytes.begin() + at, sizeof(in_addr), inner.bytes.begin());
  return inner;
}

}  // namespace

std::optional<IpAddress> IpAddressOf(const sockaddr& address) {
  IpAddress ip;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(ip.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
    return ip;
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof(v6));
  ip.is_v6 = true;
  std::memcpy(ip.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
  return ip;
}

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  IpAddress ip;
  ip.is_v6 = text.find(':') != std::string_view::npos;
  const int family = ip.is_v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, std::string(text).c_str(), ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

std::string ToString(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof(text));
  return text;
}

std::string_view WhyRefused(const IpAddress& address, bool allow_private) {
  for (const Range& range : Ranges()) {
    if (!Contains(range, address)) continue;
    switch (range.row->reach) {
      case Reach::kEmbedded:
        return WhyRefused(Embedded(address, range.row->embedded_at), allow_private);
      case Reach::kIntranet:
        return allow_private ? "" : range.row->what;
      case Reach::kNever:
        return range.row->what;
    }
  }
  static const Range global_unicast = MakeRange(kGlobalUnicast);
  if (address.is_v6 && !Contains(global_unicast, address)) return kGlobalUnicast.what;
  return "";
}

}  // namespace mao
