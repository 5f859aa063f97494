#include "serve/http/local_client.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace mao {
namespace {

class LocalClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Add("/echo/{name}", [](const auto& exchange) {
      const HttpRequest& request = exchange->request();
      exchange->Send({201, "text/plain", request.path_parameters.at("name") + request.body, {}});
    });
    Add("/stream", [this](const auto& exchange) {
      exchange->Begin({200, "text/event-stream", "a", {}});
      writer_ = std::jthread([exchange] {
        exchange->Write("b");
        exchange->Write("c");
        exchange->End();
      });
    });
    Add("/never", [this](const auto& exchange) {
      exchange->OnDisconnect([this] { is_disconnected_ = true; });
    });
  }
  void Add(const char* pattern, Handler handler) {
    Route route;
    route.interface = Interface::kRest;
    route.method = "POST";
    route.pattern = pattern;
    route.handler = std::move(handler);
    router_.Add(std::move(route));
  }
  static HttpRequest Post(std::string path, std::string body = "") {
    HttpRequest request;
    request.method = "POST";
    request.path = std::move(path);
    request.body = std::move(body);
    return request;
  }

  Router router_;
  std::jthread writer_;
  std::atomic<bool> is_disconnected_ = false;
};

TEST_F(LocalClientTest, GetsWholeResponses) {
  const HttpResponse response = PerformLocally(router_, Post("/echo/x", "body"), {});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "xbody");
}

TEST_F(LocalClientTest, JoinsStreams) {
  std::string pieces;
  const HttpResponse response =
      PerformLocally(router_, Post("/stream"), {}, [&](auto bytes) { pieces += bytes; });
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(pieces, "abc");
  EXPECT_EQ(response.content_type, "text/event-stream");
}

TEST_F(LocalClientTest, UnknownPathsAndMethods) {
  EXPECT_EQ(PerformLocally(router_, Post("/other"), {}).status, 404);
  HttpRequest request = Post("/stream");
  request.method = "GET";
  EXPECT_EQ(PerformLocally(router_, request, {}).status, 405);
}

TEST_F(LocalClientTest, AStopRequestDisconnects) {
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  EXPECT_EQ(PerformLocally(router_, Post("/never"), stop.get_token()).status, 499);
  EXPECT_TRUE(is_disconnected_);
}

}  // namespace
}  // namespace mao
