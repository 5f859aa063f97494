#include "engine/sample/lag_runs.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

uint32_t RunAt(const std::vector<int32_t>& ids, size_t lag) {
  uint32_t run = 0;
  for (size_t i = ids.size(); i-- > lag && ids[i] == ids[i - lag];) ++run;
  return run;
}

void CompareWithDefinition(LagRuns runs, size_t max_lag) {
  std::mt19937 random(3);
  std::vector<int32_t> ids;
  for (int step = 0; step < 200; ++step) {
    ids.push_back(random() % 10 < 8 ? 1 : 2);
    runs.Push(ids.back());
    ASSERT_EQ(runs.num_lags(), std::min(max_lag, ids.size() - 1));
    for (size_t lag = 1; lag <= runs.num_lags(); ++lag) {
      ASSERT_EQ(runs.run(lag), RunAt(ids, lag)) << "step " << step << " lag " << lag;
      ASSERT_EQ(runs.id_back(lag), ids[ids.size() - 1 - lag]);
    }
  }
}

TEST(LagRunsTest, BoundedEqualsTheDefinitionAcrossItsWrapAround) {
  for (const size_t max_lag : {1, 2, 7, 60})
    CompareWithDefinition(LagRuns::Bounded(max_lag), max_lag);
}

TEST(LagRunsTest, UnboundedEqualsTheDefinition) {
  CompareWithDefinition(LagRuns::Unbounded(4), 100000);
}

TEST(LagRunsTest, NoLagsAtAll) {
  LagRuns runs = LagRuns::Bounded(0);
  EXPECT_TRUE(runs.empty());
  for (int i = 0; i < 10; ++i) runs.Push(i);
  EXPECT_EQ(runs.num_lags(), 0U);
  EXPECT_EQ(runs.id_back(0), 9);
}

}  // namespace
}  // namespace mao
