#include "serve/config/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ListenersTest : public testing::Test {
 protected:
  ApiInterfaceConfig& Of(ApiInterface interface) {
    return config_.api_interfaces[static_cast<size_t>(interface)];
  }

  // "host:port interface interface", or the error, in one vector with the notes.
  std::vector<std::string> Plan() const {
    const Result<ListenerPlan> plan = ResolveListeners(config_);
    if (!plan.ok()) return {plan.status().message()};
    std::vector<std::string> lines;
    for (const ListenerSpec& listener : plan->listeners) {
      lines.push_back(ListenerAddress(listener));
      for (const ApiInterface interface : listener.interfaces) {
        lines.back() += " ";
        lines.back() += kApiInterfaces[static_cast<size_t>(interface)].name;
      }
    }
    lines.insert(lines.end(), plan->notes.begin(), plan->notes.end());
    return lines;
  }

  ServeConfig config_;
};

TEST_F(ListenersTest, RowsStandInTheOrderOfTheirInterfaces) {
  for (size_t i = 0; i < kApiInterfaces.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kApiInterfaces[i].interface), i);
  }
}

TEST_F(ListenersTest, ByDefaultHttpIsOnOnePortAndGrpcOnItsOwn) {
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:8000 openai rest websocket graphql", "127.0.0.1:8003 grpc"));
}

TEST_F(ListenersTest, ApiPortMovesHttpAlone) {
  config_.api_host = "::1";
  config_.api_port = 9000;
  EXPECT_THAT(Plan(), ElementsAre("[::1]:9000 openai rest websocket graphql", "[::1]:8003 grpc"));
}

TEST_F(ListenersTest, OnePortOfItsOwnGivesTheOthersTheirDefaults) {
  Of(ApiInterface::kRest).port = 8001;
  EXPECT_THAT(Plan(), ElementsAre("127.0.0.1:8000 openai", "127.0.0.1:8001 rest",
                                  "127.0.0.1:8002 websocket", "127.0.0.1:8004 graphql",
                                  "127.0.0.1:8003 grpc"));
}

TEST_F(ListenersTest, ApiPortGoesBeforeThoseDefaults) {
  Of(ApiInterface::kRest).port = 8001;
  config_.api_port = 9000;
  EXPECT_THAT(Plan(), ElementsAre("127.0.0.1:9000 openai websocket graphql", "127.0.0.1:8001 rest",
                                  "127.0.0.1:8003 grpc"));
}

TEST_F(ListenersTest, AGrpcPortOrADisabledInterfaceSeparatesNothing) {
  Of(ApiInterface::kGrpc).port = 9003;
  Of(ApiInterface::kRest).port = 8001;
  Of(ApiInterface::kRest).enabled = false;
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:8000 openai websocket graphql", "127.0.0.1:9003 grpc"));
}

TEST_F(ListenersTest, EqualPortsShareAListenerButNotWithGrpc) {
  for (ApiInterfaceConfig& interface : config_.api_interfaces) interface.port = 7000;
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:7000 openai rest websocket graphql", "127.0.0.1:8003 grpc",
                          "grpc listens on port 8003: HTTP and gRPC cannot share port 7000"));
}

TEST_F(ListenersTest, GrpcWithoutAFreePortIsAnError) {
  config_.api_port = 8003;
  EXPECT_THAT(Plan(), ElementsAre(HasSubstr("grpc cannot listen on 127.0.0.1:8003: openai listens "
                                            "on 127.0.0.1:8003")));
  Of(ApiInterface::kGrpc).port = 8003;
  EXPECT_THAT(Plan(), ElementsAre(HasSubstr("set api_interfaces.grpc.port")));
  Of(ApiInterface::kGrpc).port = 8005;
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:8003 openai rest websocket graphql", "127.0.0.1:8005 grpc"));
  Of(ApiInterface::kGrpc).port = 8003;
  Of(ApiInterface::kGrpc).host = "127.0.0.2";
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:8003 openai rest websocket graphql", "127.0.0.2:8003 grpc"));
}

TEST_F(ListenersTest, HostsOfTheirOwn) {
  Of(ApiInterface::kRest).host = "0.0.0.0";
  EXPECT_THAT(Plan(), ElementsAre(HasSubstr("rest cannot listen on 0.0.0.0:8000: openai listens on "
                                            "127.0.0.1:8000")));
  Of(ApiInterface::kRest).port = 8001;
  EXPECT_THAT(Plan(),
              ElementsAre("127.0.0.1:8000 openai", "0.0.0.0:8001 rest", "127.0.0.1:8002 websocket",
                          "127.0.0.1:8004 graphql", "127.0.0.1:8003 grpc"));
  Of(ApiInterface::kRest).host = "10.0.0.1";
  Of(ApiInterface::kRest).port = 8000;
  EXPECT_EQ(Plan()[1], "10.0.0.1:8000 rest");
}

TEST_F(ListenersTest, AnyFreePortIsSharedByHttpAndNotByGrpc) {
  config_.api_port = 0;
  Of(ApiInterface::kGrpc).port = 0;
  EXPECT_THAT(Plan(), ElementsAre("127.0.0.1:0 openai rest websocket graphql", "127.0.0.1:0 grpc"));
}

TEST_F(ListenersTest, SomethingMustBeEnabled) {
  for (ApiInterfaceConfig& interface : config_.api_interfaces) interface.enabled = false;
  EXPECT_THAT(Plan(), ElementsAre("no interface is enabled"));
  Of(ApiInterface::kGrpc).enabled = true;
  EXPECT_THAT(Plan(), ElementsAre("127.0.0.1:8003 grpc"));
}

TEST_F(ListenersTest, Loopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "127.example.org", ""}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace mao
