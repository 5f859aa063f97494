#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cpu_topology.h"

namespace mao {
namespace {

TEST(ThreadPoolTest, EveryIndexRunsExactlyOnce) {
  for (const size_t num_threads : {1u, 2u, 5u}) {
    ThreadPool pool(num_threads);
    EXPECT_EQ(pool.num_threads(), num_threads);
    for (const size_t count : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<std::atomic<int>> seen(count);
      pool.ParallelFor(count, [&](size_t index, size_t worker) {
        ASSERT_LT(worker, num_threads);
        seen[index].fetch_add(1);
      });
      for (auto& times : seen) EXPECT_EQ(times.load(), 1);
    }
  }
}

TEST(ThreadPoolTest, ManyShortLoopsAndShutdown) {
  for (int round = 0; round < 20; ++round) {
    ThreadPool pool(3);
    std::atomic<size_t> total{0};
    for (int loop = 0; loop < 200; ++loop) {
      pool.ParallelFor(5, [&](size_t, size_t) { total.fetch_add(1); });
    }
    EXPECT_EQ(total.load(), 1000u);
  }
}

// Workers that wake late meet loops that are over, or later ones: no index may be lost or run twice,
// and none may see another loop's body.
TEST(ThreadPoolTest, MoreThreadsThanCores) {
  ThreadPool pool(4 * NumUsableCores() + 1);
  std::vector<size_t> seen(64);
  for (size_t loop = 0; loop < 3000; ++loop) {
    const size_t count = 2 + loop % (seen.size() - 1);
    pool.ParallelFor(count, [&, loop](size_t index, size_t) {
      if (index % 8 == 0) std::this_thread::yield();  // gives the others time to join
      seen[index] += loop;
    });
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], loop);
    std::fill_n(seen.begin(), count, 0);
  }
}

TEST(ThreadPoolTest, LowersThePriorityOfTheCallingThreadOnly) {
  const auto niceness = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  const int before = niceness();
  int lowered = before;
  std::thread([&] {
    LowerThreadPriority(5);
    lowered = niceness();
  }).join();
  EXPECT_EQ(lowered, std::min(before + 5, 19));
  EXPECT_EQ(niceness(), before);
}

}  // namespace
}  // namespace mao
