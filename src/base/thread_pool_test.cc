#include "base/thread_pool.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mao
