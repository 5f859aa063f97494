#include "serve/fetch/checked_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::HasSubstr;
using testing::Not;

CheckedUrl Check(const std::string& url, const UrlRules& rules = {}) {
  Result<CheckedUrl> checked = CheckUrl(url, rules);
  EXPECT_TRUE(checked.ok()) << url << ": " << checked.status().ToString();
  return checked.ok() ? *checked : CheckedUrl();
}

std::string Refusal(const std::string& url, const UrlRules& rules = {}) {
  const Result<CheckedUrl> checked = CheckUrl(url, rules);
  EXPECT_FALSE(checked.ok()) << url << " became " << (checked.ok() ? checked->url : "");
  return checked.status().message();
}

TEST(CheckedUrlTest, TakesUrlsApart) {
  const CheckedUrl plain = Check("http://Example.ORG./a/b.png?q=1#part");
  EXPECT_EQ(plain.host, "example.org");
  EXPECT_EQ(plain.port, 80);
  EXPECT_FALSE(plain.is_https);
  EXPECT_EQ(plain.url, "http://example.org/a/b.png?q=1");
  const CheckedUrl secure = Check("HTTPS://example.org");
  EXPECT_EQ(secure.port, 443);
  EXPECT_TRUE(secure.is_https);
  EXPECT_EQ(secure.url, "https://example.org/");
  const CheckedUrl v6 = Check("http://[2001:DB8::1]/x");
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(v6.url, "http://[2001:db8::1]/x");
}

TEST(CheckedUrlTest, OnlyHttp) {
  for (const char* url : {"file:///etc/passwd", "ftp://example.org/a", "gopher://example.org:80/_x",
                          "dict://example.org/", "javascript:alert(1)", "data:image/png;base64,AA",
                          "ldap://h/", "smb://h/s", "unix:///run/s"}) {
    const std::string message = Refusal(url);
    EXPECT_FALSE(message.empty()) << url;
  }
  EXPECT_THAT(Refusal("file:///etc/passwd"), HasSubstr("http://"));
}

TEST(CheckedUrlTest, NoUserAndNoPassword) {
  EXPECT_THAT(Refusal("http://user@example.org/"), HasSubstr("user"));
  EXPECT_THAT(Refusal("http://user:secret@example.org/"), HasSubstr("user"));
  EXPECT_THAT(Refusal("http://user:secret@example.org/"), Not(HasSubstr("secret")));
  EXPECT_THAT(Refusal("http://example.org@127.0.0.1/"), HasSubstr("user"));
}

TEST(CheckedUrlTest, StrangeSpellings) {
  for (const char* url :
       {"", "example.org", "http://", "http://exa mple.org/", "http://example.org/a b",
        "http://ex\xC3\xA4mple.org/", "http://example.org/\r\nHost: other", "http://[::1",
        "http://[fe80::1%25eth0]/", "http://example.org:99999/", "http://example.org:/x\n",
        "http://a\\@b/", "http://[::ffff:1.2.3.4.5]/", "http://exam%00ple.org/"}) {
    EXPECT_FALSE(CheckUrl(url, {}).ok()) << url;
  }
}

// These become addresses, which are checked as such.
TEST(CheckedUrlTest, NumbersAsHosts) {
  EXPECT_EQ(Check("http://2130706433/").host, "127.0.0.1");
  EXPECT_EQ(Check("http://0x7f.1/").host, "127.0.0.1");
  EXPECT_EQ(Check("http://0177.0.0.1/").host, "127.0.0.1");
  EXPECT_EQ(Check("http://%31%32%37.0.0.1/").host, "127.0.0.1");
}

TEST(CheckedUrlTest, Ports) {
  EXPECT_EQ(Check("http://example.org:443/").port, 443);
  EXPECT_THAT(Refusal("http://example.org:22/"), HasSubstr("'example.org': port 22"));
  EXPECT_THAT(Refusal("https://example.org:6379/"), HasSubstr("6379"));
  UrlRules rules;
  rules.allowed_ports = {8080};
  EXPECT_EQ(Check("http://example.org:8080/", rules).port, 8080);
  Refusal("http://example.org/", rules);
  rules.allowed_ports.clear();
  EXPECT_EQ(Check("http://example.org:22/", rules).port, 22);
}

TEST(CheckedUrlTest, Domains) {
  UrlRules rules;
  rules.allowed_domains = {"example.org", "*.Images.example.net"};
  Check("http://example.org/", rules);
  Check("http://EXAMPLE.org./", rules);
  Check("http://a.images.example.net/", rules);
  Check("http://a.b.images.example.net/", rules);
  EXPECT_THAT(Refusal("http://www.example.org/", rules), HasSubstr("'www.example.org'"));
  Refusal("http://images.example.net/", rules);
  Refusal("http://evilimages.example.net/", rules);
  Refusal("http://example.org.evil.net/", rules);
  Refusal("http://93.184.216.34/", rules);
}

TEST(CheckedUrlTest, Length) {
  const std::string url = "http://example.org/" + std::string(kMaxUrlBytes, 'a');
  EXPECT_EQ(CheckUrl(url, {}).status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(Refusal(url), HasSubstr(std::to_string(kMaxUrlBytes)));
}

TEST(CheckedUrlTest, MessagesKeepPathsToThemselves) {
  EXPECT_THAT(Refusal("http://example.org:22/secret?token=abc"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace mao
