#include "serve/store/job_waiters.h"

#include <chrono>

#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr JobWaiters::Deadline kPast = JobWaiters::Deadline::min();

TEST(JobWaitersTest, AChangeAfterThePlaceWasTakenIsNotMissed) {
  JobWaiters waiters(10);
  JobWaiters::Place place = ValueOf(waiters.Take("a"));
  EXPECT_FALSE(place.WaitUntil(kPast));
  waiters.Notify("b");
  EXPECT_FALSE(place.WaitUntil(kPast));
  waiters.Notify("a");
  waiters.Notify("a");
  EXPECT_TRUE(place.WaitUntil(kPast));
  EXPECT_FALSE(place.WaitUntil(kPast)) << "each change is told once";
}

TEST(JobWaitersTest, WhatCameBeforeTheStopIsSeenAfterIt) {
  JobWaiters waiters(10);
  JobWaiters::Place place = ValueOf(waiters.Take("a"));
  waiters.Notify("a");
  waiters.Stop();
  EXPECT_TRUE(place.WaitUntil(JobWaiters::Deadline::max()));
  EXPECT_FALSE(place.WaitUntil(JobWaiters::Deadline::max())) << "and then nobody waits";
}

TEST(JobWaitersTest, PlacesAreLimitedAndGivenBack) {
  JobWaiters waiters(1);
  {
    const JobWaiters::Place place = ValueOf(waiters.Take("a"));
    ExpectError(waiters.Take("b").status(), StatusCode::kResourceExhausted,
                "b: the limit of 1 waiting requests");
  }
  EXPECT_TRUE(waiters.Take("b").ok());
}

}  // namespace
}  // namespace mao
