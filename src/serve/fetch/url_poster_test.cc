#include "serve/fetch/url_poster.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fetch/testing/scripted_server.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

// For a server of the test: on this machine, at any port.
PostConfig LocalConfig() {
  PostConfig config;
  config.rules.allowed_ports.clear();
  config.allow_private_addresses = true;
  config.timeout = milliseconds(60'000);
  return config;
}

ScriptedServer::Script Answers(int status, const std::string& headers = "",
                               const std::string& body = "") {
  return [=](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(status, body, headers); };
}

TEST(UrlPosterTest, SendsHeadersAndBody) {
  ScriptedServer server(Answers(204));
  const Status status = PostJson(LocalConfig(), server.url() + "/hook?token=7",
                                 {"webhook-id: a", "webhook-timestamp: 1"}, R"({"页":1})", {});
  ASSERT_TRUE(status.ok()) << status.ToString();
  const std::vector<ScriptedRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), 1);
  EXPECT_THAT(requests[0].head, HasSubstr("POST /hook?token=7 HTTP/1.1"));
  EXPECT_EQ(requests[0].Header("Content-Type"), "application/json");
  EXPECT_EQ(requests[0].Header("webhook-id"), "a");
  EXPECT_EQ(requests[0].Header("webhook-timestamp"), "1");
  EXPECT_EQ(requests[0].body, R"({"页":1})");
}

TEST(UrlPosterTest, OtherAnswersAreFailures) {
  for (const int code : {301, 302, 307, 400, 404, 410, 429, 500, 503}) {
    ScriptedServer elsewhere(Answers(200));
    ScriptedServer server(Answers(code, "Location: " + elsewhere.url() + "/\r\n"));
    const Status status = PostJson(LocalConfig(), server.url() + "/secret", {}, "{}", {});
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr(fmt::format("status {}", code)));
    EXPECT_THAT(status.message(), Not(HasSubstr("secret")));
    EXPECT_TRUE(elsewhere.requests().empty());
  }
}

TEST(UrlPosterTest, PrivateAddressesAreRefusedBeforeAnyConnection) {
  ScriptedServer server(Answers(200));
  PostConfig config = LocalConfig();
  config.allow_private_addresses = false;
  for (const char* host : {"127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"}) {
    const Status status =
        PostJson(config, fmt::format("http://{}:{}/", host, server.port()), {}, "{}", {});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << host;
    EXPECT_THAT(status.message(), HasSubstr("not on the public internet"));
  }
  EXPECT_EQ(PostJson(LocalConfig(), "http://169.254.169.254/", {}, "{}", {}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(server.num_connections(), 0);
}

TEST(UrlPosterTest, TheConnectionGoesToTheCheckedAddress) {
  ScriptedServer server(Answers(200));
  PostConfig config = LocalConfig();
  int num_lookups = 0;
  config.resolve = [&](const std::string& host) -> Result<std::vector<IpAddress>> {
    EXPECT_EQ(host, "hooks.example");
    // A second look-up would lead elsewhere: there must be none.
    return std::vector{*ParseIpAddress(++num_lookups == 1 ? "127.0.0.1" : "169.254.169.254")};
  };
  const std::string url = fmt::format("http://hooks.example:{}/", server.port());
  EXPECT_TRUE(PostJson(config, url, {}, "{}", {}).ok());
  EXPECT_EQ(num_lookups, 1);
  EXPECT_THAT(server.requests().at(0).head, HasSubstr("Host: hooks.example:"));
}

TEST(UrlPosterTest, TimeAndSizeAreBounded) {
  PostConfig config = LocalConfig();
  config.timeout = milliseconds(50);
  ScriptedServer silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  const Status late = PostJson(config, silent.url(), {}, "{}", {});
  EXPECT_EQ(late.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(late.message(), HasSubstr("50 ms"));
  // A long answer is not read to its end, and its status counts.
  ScriptedServer endless([](const ScriptedRequest&, ScriptedPeer& peer) {
    peer.Write("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Write(std::string(1 << 16, 'x'))) {
    }
  });
  EXPECT_TRUE(PostJson(LocalConfig(), endless.url(), {}, "{}", {}).ok());
}

TEST(UrlPosterTest, StopsAtOnce) {
  std::stop_source stop;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    stop.request_stop();
    peer.WaitForClose();
  });
  EXPECT_EQ(PostJson(LocalConfig(), server.url(), {}, "{}", stop.get_token()).code(),
            StatusCode::kCancelled);
}

TEST(UrlPosterTest, WrongUrlsAndDeadHosts) {
  for (const char* url : {"", "ftp://h/", "http://u:p@h/", "hooks"}) {
    EXPECT_EQ(PostJson(PostConfig(), url, {}, "{}", {}).code(), StatusCode::kInvalidArgument);
  }
  uint16_t port = 0;
  {
    const ScriptedServer gone(Answers(200));
    port = gone.port();
  }
  EXPECT_EQ(PostJson(LocalConfig(), fmt::format("http://127.0.0.1:{}/", port), {}, "{}", {}).code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace mao
