// Who runs, how far, and with which blocks.
#include "engine/sched/scheduler.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using ::testing::ElementsAre;
using testing::PlaceImage;
using testing::StepDriver;
using testing::TestRequest;

SchedulerConfig Config() {
  return {.max_num_seqs = 4,
          .max_num_batched_tokens = 16,
          .max_model_len = 200,
          .block_size = 4,
          .num_blocks = 64,
          .encoder_cache_rows = 32};
}

TEST(SchedulerTest, APromptIsChunkedAndThenOneTokenFollowsAnother) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 38, 3, 1)).ok());
  struct Expected {
    uint32_t computed, num_new, num_blocks;
    bool logits;
    RowKind kind;
  };
  for (const Expected& e : std::vector<Expected>{{0, 16, 4, false, RowKind::kNew},
                                                 {16, 16, 4, false, RowKind::kKnown},
                                                 {32, 6, 2, true, RowKind::kKnown},
                                                 {38, 1, 0, true, RowKind::kKnown},
                                                 {39, 1, 0, true, RowKind::kKnown}}) {
    driver.Step();
    const PlanRow* row = driver.Row(1);
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->num_computed_tokens, e.computed);
    EXPECT_EQ(row->num_new_tokens, e.num_new);
    EXPECT_EQ(row->blocks.count, e.num_blocks);
    EXPECT_EQ(row->wants_logits, e.logits);
    EXPECT_EQ(row->kind, e.kind);
  }
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerTest, RunningRequestsComeBeforeWaitingOnesInTheBudget) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 10, 9, 1)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 10, 9, 2)).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 10u);
  EXPECT_EQ(driver.NumScheduled(2), 6u);
  ASSERT_TRUE(driver.Add(TestRequest(3, 30, 9, 3)).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 1u);
  EXPECT_EQ(driver.NumScheduled(2), 4u);
  EXPECT_EQ(driver.NumScheduled(3), 11u);
}

TEST(SchedulerTest, NoMoreThanMaxNumSeqsRun) {
  StepDriver driver(Config());
  for (uint64_t id = 1; id <= 6; ++id) ASSERT_TRUE(driver.Add(TestRequest(id, 2, 3, id)).ok());
  driver.Step();
  EXPECT_EQ(driver.scheduler().running().size(), 4u);
  EXPECT_EQ(driver.scheduler().waiting().size(), 2u);
  driver.RunToEnd();
  for (uint64_t id = 1; id <= 6; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerTest, UrgentRequestsAreAdmittedFirst) {
  SchedulerConfig config = Config();
  config.max_num_seqs = 1;
  StepDriver driver(config);
  const int32_t priorities[] = {5, 0, 5, -1};
  for (uint64_t id = 0; id < 4; ++id) {
    RequestSpec spec = TestRequest(id, 4, 1, id);
    spec.priority = priorities[id];
    ASSERT_TRUE(driver.Add(spec).ok());
  }
  std::vector<uint64_t> order;
  while (driver.scheduler().HasWork()) {
    for (const PlanRow& row : driver.Step().rows) order.push_back(static_cast<uint64_t>(row.id));
  }
  EXPECT_THAT(order, ElementsAre(3, 1, 0, 2));
}

TEST(SchedulerTest, OutOfBlocksTheNewestGivesWayAndIsServedNextInItsOldPlace) {
  SchedulerConfig config = Config();
  config.num_blocks = 7;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(TestRequest(1, 8, 12, 1)).ok());  // grows to 5 blocks
  ASSERT_TRUE(driver.Add(TestRequest(2, 8, 12, 2)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(3, 4, 4, 3)).ok());
  while (driver.plan().preempted.empty()) {
    driver.Step();
    ASSERT_LT(driver.num_steps(), 20u);
  }
  EXPECT_THAT(driver.plan().preempted, ElementsAre(RequestId{2}));
  ASSERT_EQ(driver.scheduler().waiting().size(), 2u);
  EXPECT_EQ(driver.scheduler().waiting()[0]->id, RequestId{2}) << "before 3, which never ran";
  EXPECT_EQ(driver.Row(3), nullptr) << "nobody is admitted when somebody had to go";
  bool has_resumed = false;
  while (driver.scheduler().HasWork()) {
    driver.Step();
    const PlanRow* row = driver.Row(2);
    if (row == nullptr || row->kind != RowKind::kResumed) continue;
    has_resumed = true;
    EXPECT_EQ(driver.plan().History(*row).size(), row->num_computed_tokens);
    EXPECT_EQ(driver.plan().Blocks(*row).size(),
              (row->num_computed_tokens + row->num_new_tokens + 3) / 4)
        << "the whole table";
  }
  EXPECT_TRUE(has_resumed);
  for (uint64_t id = 1; id <= 3; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerTest, TheLeastUrgentGivesWayHoweverOld) {
  SchedulerConfig config = Config();
  config.num_blocks = 6;
  StepDriver driver(config);
  RequestSpec idle = TestRequest(1, 8, 12, 1);
  idle.priority = 1;
  ASSERT_TRUE(driver.Add(idle).ok());
  driver.Step();
  ASSERT_TRUE(driver.Add(TestRequest(2, 8, 12, 2)).ok());
  while (driver.plan().preempted.empty()) {
    driver.Step();
    ASSERT_LT(driver.num_steps(), 30u);
  }
  EXPECT_THAT(driver.plan().preempted, ElementsAre(RequestId{1}));
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerTest, ALongPromptIsNotAdmittedIntoRoomThatRunningOnesAreGoingToNeed) {
  SchedulerConfig config = Config();
  config.num_blocks = 20;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(TestRequest(1, 48, 4, 1)).ok());  // 12 blocks, in three chunks
  driver.Step();
  ASSERT_TRUE(driver.Add(TestRequest(2, 36, 4, 2)).ok());  // 9 blocks; 16 look free now
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().num_preemptions(), 0u);
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerTest, AnEqualPrefixIsComputedOnce) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 14, 2, 7)).ok());
  driver.Step();
  ASSERT_TRUE(driver.Add(TestRequest(2, 13, 2, 7)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(3, 12, 2, 7)).ok());
  driver.Step();
  EXPECT_EQ(driver.Row(2)->num_computed_tokens, 12u);
  EXPECT_EQ(driver.Row(3)->num_computed_tokens, 8u) << "never the last token";
  EXPECT_EQ(driver.plan().History(*driver.Row(2)).size(), 12u);
  driver.RunToEnd();
  for (uint64_t id = 1; id <= 3; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerTest, WhatIsInFlightIsNotFoundYet) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 8, 2, 7)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 8, 2, 7)).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 8u);
  EXPECT_EQ(driver.NumScheduled(2), 8u) << "a duplicate, not a share";
  driver.RunToEnd();
}

TEST(SchedulerTest, DraftsRideAlongAndAreLeftOutWhereTheyDoNotFit) {
  SchedulerConfig config = Config();
  config.num_blocks = 4;
  StepDriver driver(config, {.model = {}, .max_drafts = 3, .seed = 4});
  ASSERT_TRUE(driver.Add(TestRequest(1, 5, 11, 1)).ok());
  uint32_t num_drafts = 0;
  uint32_t num_steps = 0;
  while (driver.scheduler().HasWork()) {
    driver.Step();
    ++num_steps;
    if (driver.Row(1) != nullptr) num_drafts += driver.Row(1)->num_draft_tokens;
  }
  EXPECT_GT(num_drafts, 0u);
  EXPECT_LT(num_steps, 12u) << "accepted drafts save steps";
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerTest, DraftsNeverTakeBlocksFromARequest) {
  SchedulerConfig config = Config();
  config.num_blocks = 4;
  StepDriver driver(config, {.model = {}, .max_drafts = 8, .seed = 2});
  ASSERT_TRUE(driver.Add(TestRequest(1, 3, 5, 1)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 3, 5, 2)).ok());
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().num_preemptions(), 0u);
  driver.ExpectReferenceOutput(1);
  driver.ExpectReferenceOutput(2);
}

// The same requests under different limits; each checks that what it is about did happen.
struct Regime {
  const char* name;
  SchedulerConfig config;
  uint32_t max_drafts = 0;
  bool must_preempt = false;
  bool must_hit = false;
};

class SameTextTest : public ::testing::TestWithParam<int> {
 public:
  static std::vector<Regime> Regimes() {
    SchedulerConfig alone = Config();
    alone.max_num_seqs = 1;
    alone.enable_prefix_caching = false;
    SchedulerConfig crowd = Config();
    crowd.max_num_seqs = 16;
    crowd.max_num_batched_tokens = 1000;
    crowd.num_blocks = 500;
    crowd.max_encode_batches_in_flight = 8;
    crowd.encoder_cache_rows = 1000;
    SchedulerConfig chunked = crowd;
    chunked.max_num_seqs = 3;
    chunked.max_num_batched_tokens = 3;
    SchedulerConfig cramped = Config();
    cramped.num_blocks = 16;
    cramped.enable_prefix_caching = false;
    SchedulerConfig cramped_cached = cramped;
    cramped_cached.enable_prefix_caching = true;
    SchedulerConfig cached = Config();
    cached.max_num_seqs = 2;
    cached.num_blocks = 500;
    return {{"alone", alone},
            {"crowd", crowd},
            {"chunked", chunked},
            {"preempted", cramped, 0, true},
            {"preempted and cached", cramped_cached, 0, true, true},
            {"cached", cached, 0, false, true},
            {"drafted", crowd, 3},
            {"drafted and preempted", cramped, 3, true}};
  }
};

TEST_P(SameTextTest, TheTokensDoNotDependOnTheCompany) {
  const Regime regime = Regimes()[static_cast<size_t>(GetParam())];
  SCOPED_TRACE(regime.name);
  StepDriver driver(regime.config, {.model = {.stop_odds = 40}, .max_drafts = regime.max_drafts});
  for (uint64_t id = 0; id < 12; ++id) {
    RequestSpec spec = TestRequest(id, 12 + 3 * static_cast<uint32_t>(id), 14, id / 4);
    PlaceImage(&spec, 5, 6, id / 6);
    if (id % 3 == 0) spec.adapter_id = "adapter";
    ASSERT_TRUE(driver.Add(spec).ok());
  }
  driver.RunToEnd();
  for (uint64_t id = 0; id < 12; ++id) driver.ExpectReferenceOutput(id);
  if (regime.must_preempt) {
    EXPECT_GT(driver.scheduler().num_preemptions(), 0u);
  }
  if (regime.must_hit) {
    EXPECT_GT(driver.scheduler().kv_cache().Stats().num_hit_tokens, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Regimes, SameTextTest,
                         ::testing::Range(0, static_cast<int>(SameTextTest::Regimes().size())));

}  // namespace
}  // namespace mao
