#include "serve/backend/server_pool.h"

#include <atomic>
#include <list>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = ServerPool::Clock;
using Lease = ServerPool::Lease;

Clock::time_point Later() { return Clock::now() + std::chrono::minutes(5); }

Lease Acquire(ServerPool& pool, const std::set<size_t>& tried = {}) {
  Result<Lease> lease = pool.Acquire(tried, Later(), {});
  EXPECT_TRUE(lease.ok()) << lease.status().ToString();
  return std::move(lease).value();
}

TEST(ServerPoolTest, TheLeastBusyGetsTheNext) {
  ServerPool pool({"a", "b", "c"}, 10);
  std::list<Lease> leases;
  std::set<size_t> chosen;
  for (int i = 0; i < 3; ++i) {
    leases.push_back(Acquire(pool));
    chosen.insert(leases.back().server());
  }
  EXPECT_EQ(chosen.size(), 3);
  for (int i = 0; i < 3; ++i) leases.push_back(Acquire(pool));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(pool.num_outstanding(i), 2);
  const size_t freed = leases.front().server();
  leases.pop_front();
  EXPECT_EQ(pool.num_outstanding(freed), 1);
  leases.push_back(Acquire(pool));
  EXPECT_EQ(leases.back().server(), freed);
}

TEST(ServerPoolTest, EquallyBusyServersTakeTurns) {
  ServerPool pool({"a", "b"}, 10);
  const size_t first = Acquire(pool).server();
  const size_t second = Acquire(pool).server();
  EXPECT_NE(first, second);
  EXPECT_EQ(Acquire(pool).server(), first);
}

TEST(ServerPoolTest, ServersThatFailedAreLeftOut) {
  ServerPool pool({"a", "b"}, 10);
  EXPECT_TRUE(pool.health().ok());
  pool.ReportFailure(0, "broken");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Acquire(pool).server(), 1);
  EXPECT_EQ(Acquire(pool, {1}).server(), 1);  // better than none
  EXPECT_FALSE(pool.HasOther({1}));
  EXPECT_TRUE(pool.health().ok());
  pool.ReportFailure(1, "gone");
  EXPECT_EQ(pool.health().code(), StatusCode::kUnavailable);
  EXPECT_THAT(pool.health().message(), HasSubstr("a: broken; b: gone"));
  EXPECT_EQ(pool.Acquire({}, Later(), {}).status().code(), StatusCode::kUnavailable);
  pool.ReportHealthy(0);
  EXPECT_TRUE(pool.health().ok());
  EXPECT_EQ(Acquire(pool).server(), 0);
}

TEST(ServerPoolTest, TriedServersAreTheLastChoice) {
  ServerPool pool({"a", "b"}, 10);
  const Lease busy = Acquire(pool, {0});
  EXPECT_EQ(busy.server(), 1);
  EXPECT_EQ(Acquire(pool, {0}).server(), 1);  // though the other one is idle
  EXPECT_TRUE(pool.HasOther({0}));
  EXPECT_FALSE(pool.HasOther({0, 1}));
}

TEST(ServerPoolTest, FullServersAreWaitedFor) {
  ServerPool pool({"a"}, 1);
  std::optional<Lease> lease = Acquire(pool);
  EXPECT_EQ(pool.Acquire({}, Clock::now() + milliseconds(10), {}).status().code(),
            StatusCode::kDeadlineExceeded);
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(pool.Acquire({}, Later(), stop.get_token()).status().code(), StatusCode::kCancelled);
  stopper.join();
  std::thread releaser([&] { lease.reset(); });
  EXPECT_EQ(Acquire(pool).server(), 0);
  releaser.join();
  // A wait ends when there is nothing left to wait for.
  const Lease last = Acquire(pool);
  std::thread breaker([&] { pool.ReportFailure(0, "broken"); });
  EXPECT_EQ(pool.Acquire({}, Later(), {}).status().code(), StatusCode::kUnavailable);
  breaker.join();
}

TEST(ServerPoolTest, WatchersHearOfFailures) {
  ServerPool pool({"a"}, 1);
  std::thread breaker([&] { pool.ReportFailure(0, "broken"); });
  pool.WaitForFailure(0, std::chrono::minutes(5), {});
  EXPECT_FALSE(pool.is_healthy(0));
  breaker.join();
  pool.WaitForFailure(0, std::chrono::minutes(5), {});  // at once
}

TEST(ServerPoolTest, ManyThreads) {
  ServerPool pool({"a", "b", "c"}, 2);
  std::atomic<int> num_done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const Lease lease = Acquire(pool);
        EXPECT_LE(pool.num_outstanding(lease.server()), 2);
        ++num_done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_done, 1600);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(pool.num_outstanding(i), 0);
}

}  // namespace
}  // namespace mao
