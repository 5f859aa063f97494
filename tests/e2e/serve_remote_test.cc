// `maoocr serve` in front of others of its kind (vllm_openai).
#include <atomic>
#include <optional>
#include <thread>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "serve/api/base64.h"
#include "tests/e2e/serve_process.h"
#include "tests/e2e/test_pages.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json PageRequest(const std::string& prompt = "Free OCR.") {
  const auto file = ReadFile(TestPagePath("tiny_free.png"), size_t{1} << 30);
  EXPECT_TRUE(file.ok());
  return {{"messages",
           {{{"role", "user"},
             {"content",
              {{{"type", "image_url"},
                {"image_url", {{"url", "data:image/png;base64," + EncodeBase64(*file)}}}},
               {{"type", "text"}, {"text", prompt}}}}}}},
          {"mm_processor_kwargs", {{"mode", "tiny"}}}};
}

HttpAnswer Complete(const ServeProcess& server, const json& request) {
  return PostJson(server.url() + "/v1/chat/completions", request.dump());
}

std::vector<std::string> InFrontOf(const std::vector<std::string>& urls) {
  std::vector<std::string> arguments = {"--inference-engine", "vllm_openai"};
  for (const std::string& url : urls)
    arguments.insert(arguments.end(), {"--vllm-openai-base-urls", url});
  return arguments;
}

// Everything of an answer but what names it.
json Essence(const HttpAnswer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  json body = json::parse(answer.body, nullptr, false);
  body.erase("id");
  body.erase("created");
  return body;
}

TEST(ServeRemoteTest, AnswersAreThoseOfTheServerBehind) {
  ServeProcess remote({});
  ServeProcess front(InFrontOf({remote.url()}));
  WaitForStatus(remote.url() + "/health", 200);
  WaitForStatus(front.url() + "/health", 200);
  json request = PageRequest();
  const json direct = Essence(Complete(remote, request));
  const json through = Essence(Complete(front, request));
  EXPECT_EQ(direct["choices"][0]["message"]["content"], TestPageText("tiny_free.json"));
  EXPECT_EQ(through, direct);

  request["max_tokens"] = 7;
  request["vllm_xargs"] = {{"ngram_size", 30}, {"window_size", 90}};
  const json cut = Essence(Complete(front, request));
  EXPECT_EQ(cut["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(cut["usage"]["completion_tokens"], 7);
  EXPECT_EQ(cut, Essence(Complete(remote, request)));

  request["stream"] = true;
  const HttpAnswer streamed = Complete(front, request);
  EXPECT_EQ(streamed.status, 200);
  EXPECT_THAT(streamed.body, HasSubstr("data: [DONE]"));

  request["top_p"] = 5;
  request["stream"] = false;
  const HttpAnswer refused = Complete(front, request);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("top_p"));
  EXPECT_THAT(Get(front.url() + "/health").body, HasSubstr("vllm_openai"));
  EXPECT_EQ(front.Stop(), 0);
  EXPECT_EQ(remote.Stop(), 0);
}

TEST(ServeRemoteTest, AServerThatDiesIsReplacedByAnother) {
  ServeProcess first({});
  ServeProcess second({});
  ServeProcess front(InFrontOf({first.url(), second.url()}));
  WaitForStatus(first.url() + "/health", 200);
  WaitForStatus(second.url() + "/health", 200);
  WaitForStatus(front.url() + "/health", 200);
  const std::string expected = TestPageText("tiny_free.json");
  std::atomic<int> num_done = 0;
  std::atomic<int> num_lost = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      for (int k = 0; k < 4; ++k) {
        const HttpAnswer answer = Complete(front, PageRequest());
        // Only an answer that had begun is lost.
        if (answer.status != 200) {
          EXPECT_THAT(answer.body, HasSubstr("cut off"));
          ++num_lost;
        }
        ++num_done;
      }
    });
  }
  while (num_done < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  first.Kill();
  for (std::thread& client : clients) client.join();
  EXPECT_LE(num_lost, 3);
  EXPECT_EQ(Get(front.url() + "/health").status, 200);
  second.Kill();
  const HttpAnswer none = Complete(front, PageRequest("Free OCR. "));
  EXPECT_EQ(none.status, 503);
  EXPECT_THAT(none.body, HasSubstr(fmt::format("127.0.0.1:{}", first.port())));
  EXPECT_EQ(Get(front.url() + "/health").status, 503);

  ServeProcess again({}, second.port());
  WaitForStatus(front.url() + "/health", 200);
  EXPECT_EQ(Essence(Complete(front, PageRequest()))["choices"][0]["message"]["content"], expected);
}

TEST(ServeRemoteTest, WithoutABaseUrlItDoesNotStart) {
  ServeProcess front({"--inference-engine", "vllm_openai"});
  EXPECT_EQ(front.port(), 0);
  constexpr int kExitUsage = 2;
  EXPECT_EQ(front.Stop(), kExitUsage);
}

}  // namespace
}  // namespace mao
