#include "serve/jobs/webhooks.h"

#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/base64.h"
#include "serve/fetch/testing/scripted_server.h"

namespace mao {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kKey = "a key of 32 bytes, as it should.";

PostConfig LocalConfig() {
  PostConfig config;
  config.rules.allowed_ports.clear();
  config.allow_private_addresses = true;
  return config;
}

// The example of the reference implementation.
TEST(WebhooksTest, SignsAsStandardWebhooksSays) {
  EXPECT_EQ(WebhookSignature(*DecodeBase64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                             "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhooksTest, SendsWhatCanBeVerified) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(200, ""); });
  const auto webhooks = Webhooks::Create("whsec_" + EncodeBase64(kKey), LocalConfig());
  ASSERT_TRUE(webhooks.ok()) << webhooks.status().ToString();
  ASSERT_TRUE(webhooks->Send(server.url() + "/hook", "evt_1", R"({"a":1})", {}).ok());
  const ScriptedRequest request = server.requests().at(0);
  EXPECT_EQ(request.Header("webhook-id"), "evt_1");
  const int64_t timestamp = std::stoll(request.Header("webhook-timestamp"));
  EXPECT_GT(timestamp, 1'700'000'000);
  EXPECT_LE(timestamp, std::time(nullptr));
  EXPECT_EQ(request.Header("webhook-signature"),
            WebhookSignature(kKey, "evt_1", timestamp, R"({"a":1})"));
  EXPECT_EQ(request.body, R"({"a":1})");
}

TEST(WebhooksTest, SecretsAreRandomBytesInBase64) {
  for (const std::string& secret :
       {std::string(), std::string("secret"), EncodeBase64(kKey), std::string("whsec_"),
        "whsec_" + EncodeBase64(std::string(23, 'x')),
        "whsec_" + EncodeBase64(std::string(65, 'x')), std::string("whsec_!") + kKey}) {
    const Status status = Webhooks::Create(secret, {}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("webhook_secret: expected whsec_"));
    EXPECT_THAT(status.message(), Not(HasSubstr(EncodeBase64(kKey))));
  }
}

TEST(WebhooksTest, UrlsAreCheckedWhenTheyAreGiven) {
  PostConfig config;
  config.rules.allowed_domains = {"*.example.org"};
  const auto webhooks = Webhooks::Create("whsec_" + EncodeBase64(kKey), config);
  ASSERT_TRUE(webhooks.ok());
  EXPECT_TRUE(webhooks->CheckUrl("https://hooks.example.org/x?y=1").ok());
  for (const char* url : {"", "hooks", "ftp://hooks.example.org/", "https://u:p@hooks.example.org/",
                          "https://hooks.example.org:22/", "https://example.com/"}) {
    EXPECT_EQ(webhooks->CheckUrl(url).code(), StatusCode::kInvalidArgument) << url;
  }
}

}  // namespace
}  // namespace mao
