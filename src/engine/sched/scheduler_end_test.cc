// How requests end, and that what they hold comes back.
#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PlaceImage;
using testing::StepDriver;
using testing::TestFingerprint;
using testing::TestRequest;

SchedulerConfig Config() {
  return {.max_num_seqs = 4,
          .max_num_batched_tokens = 16,
          .max_model_len = 200,
          .block_size = 4,
          .num_blocks = 16,
          .encoder_cache_rows = 20};
}

TEST(SchedulerEndTest, AddRefusesAndNamesTheRequest) {
  StepDriver driver(Config());
  const Status too_long = driver.Add(TestRequest(42, 65, 3, 1));
  EXPECT_EQ(too_long.code(), StatusCode::kOutOfRange);
  EXPECT_THAT(too_long.message(), HasSubstr("request 42"));
  EXPECT_THAT(too_long.message(), HasSubstr("16 blocks of 4"));
  ASSERT_TRUE(driver.Add(TestRequest(1, 4, 3, 1)).ok());
  EXPECT_EQ(driver.Add(TestRequest(1, 4, 3, 1)).code(), StatusCode::kInvalidArgument);
  driver.RunToEnd();
  EXPECT_TRUE(driver.Add(TestRequest(1, 4, 3, 1)).ok()) << "the id is free again";
  driver.RunToEnd();
}

TEST(SchedulerEndTest, StopsWhereTheCallerSaysOrAtTheLimit) {
  StepDriver driver(Config(), {.model = {.stop_odds = 4}});
  for (uint64_t id = 0; id < 12; ++id) ASSERT_TRUE(driver.Add(TestRequest(id, 3, 6, id)).ok());
  driver.RunToEnd();
  int num_stopped = 0;
  for (uint64_t id = 0; id < 12; ++id) {
    driver.ExpectReferenceOutput(id);
    if (driver.result(id).reason == FinishReason::kStopped) ++num_stopped;
  }
  EXPECT_GT(num_stopped, 0);
  EXPECT_LT(num_stopped, 12);
}

TEST(SchedulerEndTest, AnAbortedWaitingRequestIsReportedByTheNextPlan) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 4, 3, 1)).ok());
  EXPECT_TRUE(driver.Abort(1));
  EXPECT_FALSE(driver.Abort(1));
  EXPECT_TRUE(driver.scheduler().HasWork());
  driver.Step();
  EXPECT_EQ(driver.result(1).reason, FinishReason::kFailed);
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kCancelled);
  EXPECT_FALSE(driver.scheduler().HasWork());
  EXPECT_FALSE(driver.Abort(7));
}

TEST(SchedulerEndTest, WhatAStepInFlightUsesComesBackWhenItEnds) {
  StepDriver driver(Config());
  RequestSpec spec = TestRequest(1, 12, 3, 1);
  PlaceImage(&spec, 2, 8, 5);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.Step();
  driver.Plan();
  EXPECT_TRUE(driver.Abort(1));
  EXPECT_FALSE(driver.Abort(1)) << "it has left already";
  EXPECT_TRUE(driver.scheduler().running().empty());
  const Scheduler& scheduler = driver.scheduler();
  EXPECT_EQ(scheduler.kv_cache().pool().num_used_blocks(), 3u);
  const EncoderKey key = {TestFingerprint(5), 8};
  EXPECT_EQ(scheduler.encoder_cache().num_references(key), 1u);
  driver.Complete();
  EXPECT_EQ(scheduler.kv_cache().pool().num_used_blocks(), 0u);
  EXPECT_EQ(scheduler.encoder_cache().num_references(key), 0u);
  EXPECT_EQ(driver.scheduler().Find(RequestId{1}), nullptr);
  driver.Step();
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kCancelled);
}

TEST(SchedulerEndTest, NothingIsPlannedWhileAStepIsInFlight) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 4, 3, 1)).ok());
  driver.Plan();
  ASSERT_TRUE(driver.Add(TestRequest(2, 4, 3, 2)).ok());
  StepPlan second;
  driver.scheduler().Schedule(driver.now(), &second);
  EXPECT_EQ(second.step, 0u);
  EXPECT_THAT(second.rows, IsEmpty());
  driver.Complete();
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerEndTest, ADeadlineEndsWaitingAndRunningRequests) {
  SchedulerConfig config = Config();
  config.max_num_seqs = 1;
  StepDriver driver(config);
  for (uint64_t id = 1; id <= 3; ++id) {
    RequestSpec spec = TestRequest(id, 4, 20, id);
    if (id != 3) spec.deadline = driver.now() + milliseconds(10 * id);
    ASSERT_TRUE(driver.Add(spec).ok());
  }
  driver.AdvanceTime(milliseconds(9));
  driver.Step();
  EXPECT_THAT(driver.plan().finished, IsEmpty());
  driver.AdvanceTime(milliseconds(1));
  driver.Step();
  ASSERT_EQ(driver.plan().finished.size(), 1u);
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(driver.result(1).status.message(), HasSubstr("request 1"));
  EXPECT_EQ(driver.NumScheduled(2), 4u);
  driver.AdvanceTime(milliseconds(100));
  driver.RunToEnd();
  EXPECT_EQ(driver.result(2).status.code(), StatusCode::kDeadlineExceeded);
  driver.ExpectReferenceOutput(3);
}

TEST(SchedulerEndTest, ARequestThatOutgrowsThePoolFailsRatherThanSpins) {
  SchedulerConfig config = Config();
  config.num_blocks = 4;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(TestRequest(1, 10, 100, 1)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 10, 5, 2)).ok());
  driver.RunToEnd(40);
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(driver.result(1).status.message(), HasSubstr("4 key/value blocks of 4 tokens"));
  // All 16 positions were used: 10 of the prompt and 6 of the output, and a token after them.
  EXPECT_EQ(driver.result(1).output.size(), 7u);
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEndTest, AFailedStepFailsItsRequestsAndNoOthers) {
  SchedulerConfig config = Config();
  config.max_num_seqs = 2;
  StepDriver driver(config);
  RequestSpec before = TestRequest(0, 9, 3, 4);
  PlaceImage(&before, 2, 6, 4);
  ASSERT_TRUE(driver.Add(before).ok());
  driver.RunToEnd();
  const uint32_t num_indexed_before = driver.scheduler().kv_cache().pool().num_indexed_blocks();
  RequestSpec spec = TestRequest(1, 9, 3, 1);
  PlaceImage(&spec, 2, 6, 5);
  ASSERT_TRUE(driver.Add(spec).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 5, 3, 2)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(3, 5, 3, 3)).ok());
  driver.Plan();
  EXPECT_TRUE(driver.Abort(2));
  driver.Fail(InternalError("device lost"));
  EXPECT_EQ(driver.scheduler().kv_cache().pool().num_indexed_blocks(), num_indexed_before);
  driver.Step();
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kInternal);
  EXPECT_THAT(driver.result(1).status.message(), HasSubstr("request 1: device lost"));
  EXPECT_EQ(driver.result(2).status.code(), StatusCode::kCancelled);
  for (const uint64_t image : {4, 5}) {
    EXPECT_TRUE(driver.scheduler().encoder_cache().IsReady({TestFingerprint(image), 6}))
        << "encoded before the step and beside it";
  }
  driver.RunToEnd();
  driver.ExpectReferenceOutput(3);
}

TEST(SchedulerEndTest, UpdateRefusesWhatIsNotTheOutcomeOfThePlan) {
  auto scheduler = Scheduler::Create(Config()).value();
  StepPlan plan;
  StepOutcome outcome;
  EXPECT_EQ(scheduler->Update(outcome).code(), StatusCode::kInternal) << "nothing is in flight";
  ASSERT_TRUE(scheduler->Add(TestRequest(1, 4, 3, 1)).ok());
  scheduler->Schedule(TimePoint{}, &plan);
  outcome.step = plan.step;
  EXPECT_EQ(scheduler->Update(outcome).code(), StatusCode::kInternal) << "a row is missing";
  outcome.rows = {{.id = RequestId{1}, .num_sampled_tokens = 1}};
  EXPECT_EQ(scheduler->Update(outcome).code(), StatusCode::kInternal) << "the token is missing";
  outcome.sampled_token_ids = {5};
  outcome.step = plan.step + 1;
  EXPECT_EQ(scheduler->Update(outcome).code(), StatusCode::kInternal) << "another step";
  EXPECT_EQ(scheduler->Find(RequestId{1})->num_verified_tokens, 0u);
  outcome.step = plan.step;
  EXPECT_TRUE(scheduler->Update(outcome).ok());
  EXPECT_EQ(scheduler->Find(RequestId{1})->num_verified_tokens, 4u);
  EXPECT_EQ(scheduler->Find(RequestId{1})->num_tokens(), 5u);
  EXPECT_EQ(scheduler->Update(outcome).code(), StatusCode::kInternal) << "once only";
}

}  // namespace
}  // namespace mao
