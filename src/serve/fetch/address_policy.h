// Which addresses this server may connect to because a client named them.
#ifndef MAOOCR_SERVE_FETCH_ADDRESS_POLICY_H_
#define MAOOCR_SERVE_FETCH_ADDRESS_POLICY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace mao {

struct IpAddress {
  bool is_v6 = false;
  std::array<uint8_t, 16> bytes{};  // in network order; of an IPv4 address the first four

  bool operator==(const IpAddress&) const = default;
};

// nullopt: of another family.
std::optional<IpAddress> IpAddressOf(const sockaddr& address);
// "192.0.2.1" or "2001:db8::1", nothing looser. nullopt: neither.
std::optional<IpAddress> ParseIpAddress(std::string_view text);
std::string ToString(const IpAddress& address);

// Empty when connecting there is fine; else what the address is ("loopback, RFC 1122"). IPv4
// addresses inside IPv6 ones (mapped, NAT64, 6to4) are judged as what they reach.
// `allow_private` lets loopback, private, shared (CGNAT) and unique local addresses pass; link-local
// ones, where clouds keep their credentials, never pass.
std::string_view WhyRefused(const IpAddress& address, bool allow_private);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_ADDRESS_POLICY_H_
