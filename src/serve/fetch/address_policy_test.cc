#include "serve/fetch/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::HasSubstr;

std::string Why(const std::string& text, bool allow_private = false) {
  const std::optional<IpAddress> address = ParseIpAddress(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.has_value() ? std::string(WhyRefused(*address, allow_private)) : "";
}

TEST(AddressPolicyTest, PublicAddressesPass) {
  for (const char* text : {"1.1.1.1",         "8.8.8.8",
                           "9.255.255.255",   "11.0.0.0",
                           "100.63.255.255",  "100.128.0.0",
                           "126.255.255.255", "128.0.0.0",
                           "168.63.129.15",   "168.63.129.17",
                           "169.253.255.255", "169.255.0.0",
                           "172.15.255.255",  "172.32.0.0",
                           "192.0.1.0",       "192.0.3.0",
                           "192.167.255.255", "192.169.0.0",
                           "198.17.255.255",  "198.20.0.0",
                           "223.255.255.255", "2606:4700:4700::1111",
                           "2001:200::1",     "2001:4860:4860::8888",
                           "2001:db9::",      "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                           "2a00::1",         "64:ff9b::808:808",
                           "::ffff:8.8.8.8",  "2002:808:808::1"}) {
    EXPECT_EQ(Why(text), "") << text;
  }
}

TEST(AddressPolicyTest, EveryRangeIsRefusedAtBothEnds) {
  const struct {
    const char* first;
    const char* last;
    const char* why;
  } rows[] = {
      {"0.0.0.0", "0.255.255.255", "RFC 791"},
      {"10.0.0.0", "10.255.255.255", "RFC 1918"},
      {"100.64.0.0", "100.127.255.255", "RFC 6598"},
      {"127.0.0.1", "127.255.255.255", "RFC 1122"},
      {"168.63.129.16", "168.63.129.16", "cloud"},
      {"169.254.0.0", "169.254.169.254", "RFC 3927"},
      {"172.16.0.0", "172.31.255.255", "RFC 1918"},
      {"192.0.0.0", "192.0.0.192", "RFC 6890"},
      {"192.0.2.0", "192.0.2.255", "RFC 5737"},
      {"192.88.99.0", "192.88.99.255", "RFC 7526"},
      {"192.168.0.0", "192.168.255.255", "RFC 1918"},
      {"198.18.0.0", "198.19.255.255", "RFC 2544"},
      {"198.51.100.0", "198.51.100.255", "RFC 5737"},
      {"203.0.113.0", "203.0.113.255", "RFC 5737"},
      {"224.0.0.0", "239.255.255.255", "RFC 5771"},
      {"240.0.0.0", "255.255.255.255", "RFC 1112"},
      {"::", "::", "RFC 4291"},
      {"::1", "::1", "loopback"},
      {"::2", "::7f00:1", "not global unicast"},
      {"64:ff9b:1::", "64:ff9b:1:ffff::1", "RFC 8215"},
      {"100::1", "1fff::1", "not global unicast"},
      {"4000::1", "5f00::1", "not global unicast"},
      {"fc00::", "fdff:ffff::1", "RFC 4193"},
      {"fd00:ec2::254", "fd00:ec2::254", "RFC 4193"},
      {"fe80::1", "febf::1", "link-local"},
      {"fec0::1", "feff::1", "RFC 3879"},
      {"ff02::1", "ffff::1", "multicast"},
      {"2001::1", "2001:1ff:ffff::1", "RFC 2928"},
      {"2001:db8::1", "2001:db8:ffff::1", "RFC 3849"},
      {"3fff::1", "3fff:fff::1", "RFC 9637"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(Why(row.first), HasSubstr(row.why)) << row.first;
    EXPECT_THAT(Why(row.last), HasSubstr(row.why)) << row.last;
  }
}

TEST(AddressPolicyTest, AddressesInsideAddressesAreJudged) {
  EXPECT_THAT(Why("::ffff:127.0.0.1"), HasSubstr("loopback"));
  EXPECT_THAT(Why("::ffff:169.254.169.254"), HasSubstr("link-local"));
  EXPECT_THAT(Why("64:ff9b::10.0.0.1"), HasSubstr("RFC 1918"));
  EXPECT_THAT(Why("2002:7f00:1::1"), HasSubstr("loopback"));
  EXPECT_THAT(Why("2002:a9fe:a9fe::"), HasSubstr("link-local"));
}

TEST(AddressPolicyTest, PrivateAddressesPassWhenAllowed) {
  for (const char* text : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
                           "::1", "fd12::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(Why(text, true), "") << text;
  }
  for (const char* text : {"169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "192.0.2.1",
                           "::ffff:169.254.169.254", "255.255.255.255", "168.63.129.16"}) {
    EXPECT_NE(Why(text, true), "") << text;
  }
}

TEST(AddressPolicyTest, ReadsSocketAddresses) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  const auto a = IpAddressOf(reinterpret_cast<const sockaddr&>(v4));
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(ToString(*a), "192.0.2.7");
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
  const auto b = IpAddressOf(reinterpret_cast<const sockaddr&>(v6));
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(ToString(*b), "2001:db8::7");
  EXPECT_FALSE(*a == *b);
  sockaddr other = {};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(IpAddressOf(other).has_value());
  EXPECT_FALSE(ParseIpAddress("127.1").has_value());
  EXPECT_FALSE(ParseIpAddress("example.org").has_value());
}

}  // namespace
}  // namespace mao
