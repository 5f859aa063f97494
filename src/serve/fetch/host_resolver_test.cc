#include "serve/fetch/host_resolver.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::minutes kLong{5};

TEST(HostResolverTest, TheSystemKnowsAddresses) {
  for (const char* host : {"127.0.0.1", "2130706433", "0x7f.1", "127.1"}) {
    const auto addresses = ResolveBySystem(host);
    ASSERT_TRUE(addresses.ok()) << host << ": " << addresses.status().ToString();
    ASSERT_EQ(addresses->size(), 1);
    EXPECT_EQ(ToString(addresses->front()), "127.0.0.1") << host;
  }
  EXPECT_EQ(ResolveBySystem("no such host").status().code(), StatusCode::kInvalidArgument);
}

TEST(HostResolverTest, ReturnsWhatTheResolverSays) {
  const auto found = ResolveInTime(
      [](const std::string& host) -> Result<std::vector<IpAddress>> {
        EXPECT_EQ(host, "a.example");
        return std::vector<IpAddress>{*ParseIpAddress("192.0.2.1")};
      },
      "a.example", Clock::now() + kLong, {});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(ToString(found->front()), "192.0.2.1");
  const auto failed = ResolveInTime(
      [](const std::string&) -> Result<std::vector<IpAddress>> {
        return UnavailableError("later");
      },
      "a.example", Clock::now() + kLong, {});
  EXPECT_EQ(failed.status().message(), "later");
}

TEST(HostResolverTest, LeavesSlowLookupsBehind) {
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  const auto slow = [ended](const std::string&) -> Result<std::vector<IpAddress>> {
    ended.wait();
    return std::vector<IpAddress>();
  };
  const auto late = ResolveInTime(slow, "slow.example", Clock::now() + milliseconds(20), {});
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(late.status().message(), testing::HasSubstr("'slow.example'"));
  std::stop_source stop;
  std::thread stopper([&stop] { stop.request_stop(); });
  const auto stopped = ResolveInTime(slow, "slow.example", Clock::now() + kLong, stop.get_token());
  EXPECT_EQ(stopped.status().code(), StatusCode::kCancelled);
  stopper.join();
  end.set_value();
}

}  // namespace
}  // namespace mao
