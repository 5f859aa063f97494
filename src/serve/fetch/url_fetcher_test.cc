#include "serve/fetch/url_fetcher.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <thread>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fetch/testing/scripted_server.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

constexpr const char* kSecret = "what the server sends";

// What a host name stands for, one entry for each look-up; the last one stays.
class FakeDns {
 public:
  void Set(const std::string& host, std::vector<std::vector<std::string>> answers) {
    answers_[host] = std::move(answers);
  }
  ResolveHost resolver() {
    return [this](const std::string& host) { return Resolve(host); };
  }
  int num_lookups() const { return num_lookups_; }

 private:
  Result<std::vector<IpAddress>> Resolve(const std::string& host) {
    const std::lock_guard lock(mutex_);
    ++num_lookups_;
    const auto it = answers_.find(host);
    if (it == answers_.end()) return ResolveBySystem(host);
    std::vector<IpAddress> addresses;
    for (const std::string& text : it->second.front()) addresses.push_back(*ParseIpAddress(text));
    if (it->second.size() > 1) it->second.erase(it->second.begin());
    return addresses;
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<std::vector<std::string>>> answers_;
  std::atomic<int> num_lookups_ = 0;
};

// For a server of the test: on this machine, at any port.
FetchConfig LocalConfig() {
  FetchConfig config;
  config.rules.allowed_ports.clear();
  config.allow_private_addresses = true;
  config.timeout = seconds(60);
  return config;
}

Result<std::string> Fetch(const FetchConfig& config, const std::string& url,
                          milliseconds limit = seconds(60), const std::stop_token& stop = {}) {
  return MakeUrlFetcher(config)(url, Clock::now() + limit, stop);
}

std::string Refusal(const FetchConfig& config, const std::string& url, StatusCode code) {
  const Result<std::string> fetched = Fetch(config, url);
  EXPECT_FALSE(fetched.ok()) << url;
  EXPECT_EQ(fetched.status().code(), code) << url << ": " << fetched.status().ToString();
  EXPECT_THAT(fetched.status().message(), Not(HasSubstr(kSecret)));
  return fetched.status().message();
}

ScriptedServer::Script Sends(std::string body) {
  return [body = std::move(body)](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(200, body);
  };
}

TEST(UrlFetcherTest, GetsTheBytes) {
  const std::string bytes("\x89PNG\0\r\n and more", 16);
  ScriptedServer server(Sends(bytes));
  const auto fetched = Fetch(LocalConfig(), server.url() + "/a.png?x=1#y");
  ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
  EXPECT_EQ(*fetched, bytes);
  ASSERT_EQ(server.requests().size(), 1);
  const ScriptedRequest request = server.requests().front();
  EXPECT_EQ(request.target(), "/a.png?x=1");
  EXPECT_EQ(request.Header("Accept-Encoding"), "");
  EXPECT_EQ(request.Header("Cookie"), "");
  EXPECT_EQ(request.Header("Authorization"), "");
}

TEST(UrlFetcherTest, ChunkedBodiesAndBodiesUntilTheEnd) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedPeer& peer) {
    if (request.target() == "/chunked") {
      peer.Write(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0"
          "\r\n\r\n");
    } else {
      peer.Write("HTTP/1.1 200 OK\r\n\r\nabcde");
      peer.Close();
    }
  });
  EXPECT_EQ(*Fetch(LocalConfig(), server.url() + "/chunked"), "abcde");
  EXPECT_EQ(*Fetch(LocalConfig(), server.url() + "/open"), "abcde");
}

TEST(UrlFetcherTest, PrivateAddressesAreRefusedBeforeAnyConnection) {
  ScriptedServer server(Sends(kSecret));
  FetchConfig config = LocalConfig();
  config.allow_private_addresses = false;
  const std::string port = std::to_string(server.port());
  for (const char* host :
       {"127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "localhost.",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]"}) {
    const std::string message =
        Refusal(config, fmt::format("http://{}:{}/", host, port), StatusCode::kInvalidArgument);
    EXPECT_THAT(message, HasSubstr("not on the public internet")) << host;
  }
  EXPECT_THAT(Refusal(config, "http://169.254.169.254/latest", StatusCode::kInvalidArgument),
              HasSubstr("link-local"));
  EXPECT_EQ(server.num_connections(), 0);
}

TEST(UrlFetcherTest, OneBadAddressAmongGoodOnesIsEnough) {
  FakeDns dns;
  dns.Set("mixed.example", {{"93.184.216.34", "10.0.0.1"}});
  FetchConfig config;
  config.resolve = dns.resolver();
  EXPECT_THAT(Refusal(config, "http://mixed.example/", StatusCode::kInvalidArgument),
              HasSubstr("RFC 1918"));
}

TEST(UrlFetcherTest, TheConnectionGoesToTheCheckedAddress) {
  ScriptedServer server(Sends("image"));
  FakeDns dns;
  // A second look-up would lead elsewhere: there must be none.
  dns.Set("images.example", {{"127.0.0.1"}, {"169.254.169.254"}});
  FetchConfig config = LocalConfig();
  config.resolve = dns.resolver();
  const auto fetched = Fetch(config, fmt::format("http://images.example:{}/", server.port()));
  ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
  EXPECT_EQ(*fetched, "image");
  EXPECT_EQ(dns.num_lookups(), 1);
  EXPECT_EQ(server.requests().front().Header("Host"),
            fmt::format("images.example:{}", server.port()));
}

TEST(UrlFetcherTest, NothingButTheCheckedAddressIsConnected) {
  ScriptedServer server(Sends(kSecret));  // at 127.0.0.1, where the system finds localhost
  FakeDns dns;
  dns.Set("localhost", {{"127.0.0.2"}});
  FetchConfig config = LocalConfig();
  config.resolve = dns.resolver();
  Refusal(config, fmt::format("http://localhost:{}/", server.port()), StatusCode::kUnavailable);
  // An address as host needs no look-up, so libcurl goes to the address itself; the resolver
  // vouches for another one.
  dns.Set("127.0.0.1", {{"127.0.0.2"}});
  Refusal(config, server.url(), StatusCode::kUnavailable);
  EXPECT_EQ(server.num_connections(), 0);
}

TEST(UrlFetcherTest, Ipv6) {
  ScriptedServer server(Sends("six"), "::1");
  if (server.port() == 0) GTEST_SKIP() << "no IPv6 here";
  const auto fetched = Fetch(LocalConfig(), server.url());
  ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
  EXPECT_EQ(*fetched, "six");
}

ScriptedServer::Script RedirectsTo(std::string target) {
  return [target = std::move(target)](const ScriptedRequest& request, ScriptedPeer& peer) {
    if (request.target() == "/image") {
      peer.Respond(200, "image");
    } else {
      peer.Respond(302, kSecret, "Location: " + target + "\r\n");
    }
  };
}

TEST(UrlFetcherTest, RedirectsAreNotFollowed) {
  ScriptedServer server(RedirectsTo("/image"));
  EXPECT_THAT(Refusal(LocalConfig(), server.url(), StatusCode::kInvalidArgument),
              HasSubstr("redirects"));
  EXPECT_EQ(server.requests().size(), 1);
}

TEST(UrlFetcherTest, RedirectsAreFollowedAsOftenAsAllowed) {
  ScriptedServer server(RedirectsTo("/image"));
  FetchConfig config = LocalConfig();
  config.max_redirects = 1;
  EXPECT_EQ(*Fetch(config, server.url()), "image");
  ScriptedServer endless(RedirectsTo("/again"));
  config.max_redirects = 3;
  EXPECT_THAT(Refusal(config, endless.url(), StatusCode::kInvalidArgument),
              HasSubstr("the limit is 3 redirects"));
  EXPECT_EQ(endless.requests().size(), 4);
}

TEST(UrlFetcherTest, EachRedirectIsChecked) {
  FakeDns dns;
  ScriptedServer server(RedirectsTo("http://inside.example/secret"));
  FetchConfig config = LocalConfig();
  config.max_redirects = 5;
  config.resolve = dns.resolver();
  dns.Set("inside.example", {{"169.254.169.254"}});
  EXPECT_THAT(Refusal(config, server.url(), StatusCode::kInvalidArgument),
              HasSubstr("'inside.example' is not on the public internet"));
  for (const char* target :
       {"file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@h.example/"}) {
    ScriptedServer other(RedirectsTo(target));
    const Result<std::string> fetched = Fetch(config, other.url());
    EXPECT_EQ(fetched.status().code(), StatusCode::kInvalidArgument) << target;
  }
  config.rules.allowed_ports = {server.port()};
  ScriptedServer elsewhere(RedirectsTo("/image"));
  ScriptedServer to_port(RedirectsTo(elsewhere.url() + "/image"));
  config.rules.allowed_ports = {to_port.port()};
  EXPECT_THAT(Refusal(config, to_port.url(), StatusCode::kInvalidArgument), HasSubstr("port"));
  EXPECT_EQ(elsewhere.num_connections(), 0);
}

TEST(UrlFetcherTest, ARebindingHostIsCheckedAtEachRedirect) {
  FakeDns dns;
  dns.Set("rebind.example", {{"127.0.0.1"}, {"169.254.169.254"}});
  ScriptedServer server(RedirectsTo("/again"));
  FetchConfig config = LocalConfig();
  config.max_redirects = 5;
  config.resolve = dns.resolver();
  EXPECT_THAT(Refusal(config, fmt::format("http://rebind.example:{}/", server.port()),
                      StatusCode::kInvalidArgument),
              HasSubstr("link-local"));
  EXPECT_EQ(server.requests().size(), 1);
}

TEST(UrlFetcherTest, SizeIsLimited) {
  FetchConfig config = LocalConfig();
  config.max_bytes = 1000;
  ScriptedServer server([](const ScriptedRequest& request, ScriptedPeer& peer) {
    if (request.target() == "/exact") {
      peer.Respond(200, std::string(1000, 'x'));
    } else if (request.target() == "/stated") {
      peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
      peer.WaitForClose();  // the head alone must be enough
    } else {                // endless
      peer.Write("HTTP/1.1 200 OK\r\n\r\n");
      while (peer.Write(kSecret)) {
      }
    }
  });
  EXPECT_EQ(Fetch(config, server.url() + "/exact")->size(), 1000);
  for (const char* path : {"/stated", "/endless"}) {
    EXPECT_THAT(Refusal(config, server.url() + path, StatusCode::kOutOfRange),
                HasSubstr("'127.0.0.1' sends is larger than the limit of 1000 bytes"))
        << path;
  }
}

TEST(UrlFetcherTest, AnEndlessHeadIsCutOff) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedPeer& peer) {
    const bool is_interim = request.target() == "/interim";
    if (!is_interim) peer.Write("HTTP/1.1 200 OK\r\n");
    while (
        peer.Write(is_interim ? "HTTP/1.1 100 Continue\r\n\r\n" : "X-Filler: aaaaaaaaaaaa\r\n")) {
    }
  });
  for (const char* path : {"/interim", "/headers"}) {
    EXPECT_THAT(Refusal(LocalConfig(), server.url() + path, StatusCode::kOutOfRange),
                HasSubstr("head"));
  }
}

TEST(UrlFetcherTest, ContentLengthsThatLie) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedPeer& peer) {
    const char* length = request.target() == "/less" ? "3" : "300";
    peer.Write(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nabcdef", length));
    peer.Close();
  });
  EXPECT_EQ(*Fetch(LocalConfig(), server.url() + "/less"), "abc");
  EXPECT_THAT(Refusal(LocalConfig(), server.url() + "/more", StatusCode::kUnavailable),
              HasSubstr("cut off"));
}

TEST(UrlFetcherTest, NothingIsDecompressed) {
  const std::string gzip("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Respond(200, gzip, "Content-Encoding: gzip\r\n");
  });
  EXPECT_EQ(*Fetch(LocalConfig(), server.url()), gzip);
}

TEST(UrlFetcherTest, SlowServers) {
  ScriptedServer silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  ScriptedServer drip([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (peer.Sleep(milliseconds(20)) && peer.Write("x")) {
    }
  });
  FetchConfig config = LocalConfig();
  config.timeout = milliseconds(150);
  EXPECT_THAT(Refusal(config, silent.url(), StatusCode::kDeadlineExceeded),
              HasSubstr("the limit is 150 ms"));
  EXPECT_THAT(Refusal(config, drip.url(), StatusCode::kDeadlineExceeded),
              HasSubstr("the limit is 150 ms"));
  // The request's own deadline is named as such.
  const auto late = Fetch(LocalConfig(), silent.url(), milliseconds(50));
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(late.status().message(), HasSubstr("the request's deadline"));
}

TEST(UrlFetcherTest, ASlowDripIsGivenUpBeforeTheTimeout) {
  ScriptedServer drip([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (peer.Sleep(milliseconds(20)) && peer.Write("x")) {
    }
  });
  FetchConfig config = LocalConfig();
  config.slow_for = seconds(1);
  config.timeout = std::chrono::minutes(10);
  const auto fetched = Fetch(config, drip.url(), std::chrono::minutes(10));
  EXPECT_EQ(fetched.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(fetched.status().message(), HasSubstr("1024 bytes a second for 1 s"));
}

TEST(UrlFetcherTest, ASlowLookupCountsToo) {
  FetchConfig config = LocalConfig();
  config.timeout = milliseconds(50);
  std::stop_source end;
  config.resolve = [stop = end.get_token()](const std::string&) -> Result<std::vector<IpAddress>> {
    while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    return std::vector<IpAddress>();
  };
  EXPECT_THAT(Refusal(config, "http://slow.example/", StatusCode::kDeadlineExceeded),
              HasSubstr("'slow.example'"));
  end.request_stop();
}

TEST(UrlFetcherTest, CancellationClosesTheConnection) {
  std::stop_source stop;
  std::atomic<bool> closed = false;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    stop.request_stop();
    closed = peer.WaitForClose();
  });
  const auto fetched =
      Fetch(LocalConfig(), server.url(), std::chrono::minutes(10), stop.get_token());
  EXPECT_EQ(fetched.status().code(), StatusCode::kCancelled);
  while (!closed) std::this_thread::sleep_for(milliseconds(1));
}

TEST(UrlFetcherTest, Statuses) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedPeer& peer) {
    peer.Respond(std::atoi(request.target().c_str() + 1), kSecret);
  });
  for (const int status : {201, 204, 206, 304, 400, 401, 403, 404, 429}) {
    EXPECT_THAT(Refusal(LocalConfig(), fmt::format("{}/{}", server.url(), status),
                        StatusCode::kInvalidArgument),
                HasSubstr(std::to_string(status)));
  }
  for (const int status : {500, 503}) {
    EXPECT_THAT(Refusal(LocalConfig(), fmt::format("{}/{}", server.url(), status),
                        StatusCode::kUnavailable),
                HasSubstr(std::to_string(status)));
  }
}

TEST(UrlFetcherTest, BrokenServers) {
  for (const char* answer : {"", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
      peer.Write(answer);
      peer.Close();
    });
    const auto fetched = Fetch(LocalConfig(), server.url());
    EXPECT_TRUE(!fetched.ok() || fetched->empty()) << answer;
  }
}

TEST(UrlFetcherTest, ProxiesOfTheEnvironmentAreIgnoredUnlessWanted) {
  ScriptedServer server(Sends("direct"));
  ScriptedServer proxy(Sends("by proxy"));
  setenv("http_proxy", proxy.url().c_str(), 1);
  FetchConfig config = LocalConfig();
  const auto direct = Fetch(config, server.url());
  config.use_environment_proxy = true;
  const auto by_proxy = Fetch(config, server.url());
  unsetenv("http_proxy");
  EXPECT_EQ(*direct, "direct");
  EXPECT_EQ(*by_proxy, "by proxy");
}

}  // namespace
}  // namespace mao
