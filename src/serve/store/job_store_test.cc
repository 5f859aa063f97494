#include "serve/store/job_store.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "serve/store/database.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr int64_t kDayMs = 24 * kTestHourMs;

class JobStoreTest : public StoreTest {
 protected:
  JobStoreTest() { Open(); }
  JobStore& jobs() { return store_->jobs(); }
  JobState StateOf(const std::string& id) { return Get(id).state; }
  int64_t NumIn(JobState state) {
    return ValueOf(jobs().Statistics()).num_jobs[static_cast<size_t>(state)];
  }
};

TEST_F(JobStoreTest, AJobGoesFromQueuedToSucceeded) {
  NewJob job = SimpleJob();
  job.priority = 3;
  job.inputs.push_back(Input("image bytes"));
  const EnqueuedJob enqueued = ValueOf(jobs().Enqueue(job));
  job.inputs.clear();
  EXPECT_TRUE(enqueued.created);
  const StoredJob& queued = enqueued.job;
  EXPECT_TRUE(queued.id.starts_with("job_"));
  EXPECT_EQ(queued.id.size(), 36u);
  EXPECT_EQ(queued.kind, "ocr");
  EXPECT_EQ(queued.owner, "alice");
  EXPECT_EQ(queued.priority, 3);
  EXPECT_EQ(queued.state, JobState::kQueued);
  EXPECT_EQ(queued.created_ms, kTestStartMs);
  ExpectError(jobs().ResultOf("alice", queued.id).status(), StatusCode::kNotFound, "is queued");

  clock_.Turn(1000);
  const ClaimedJob claimed = Claim();
  EXPECT_EQ(claimed.job.id, queued.id);
  EXPECT_EQ(claimed.job.state, JobState::kRunning);
  EXPECT_EQ(claimed.job.attempts, 1);
  EXPECT_EQ(claimed.job.started_ms, kTestStartMs + 1000);
  EXPECT_GT(claimed.job.version, queued.version);
  EXPECT_EQ(ValueOf(jobs().RequestOf(claimed.claim)), job.request);
  ASSERT_EQ(claimed.inputs.size(), 1u);
  EXPECT_EQ(claimed.inputs[0].name, "page.png");
  EXPECT_EQ(claimed.inputs[0].media_type, "image/png");
  EXPECT_EQ(AsStringView(
                ValueOf(store_->blobs().Map(claimed.inputs[0].sha256, claimed.inputs[0].size_bytes))
                    .bytes()),
            "image bytes");
  EXPECT_FALSE(ValueOf(jobs().ClaimNext(0)).has_value());

  EXPECT_FALSE(ValueOf(
      jobs().Progress(claimed.claim, {.pages_done = 2, .pages_total = 5, .message = "page 2"})));
  const StoredJob running = Get(queued.id);
  EXPECT_EQ(running.progress.pages_done, 2);
  EXPECT_EQ(running.progress.pages_total, 5);
  EXPECT_EQ(running.progress.message, "page 2");

  clock_.Turn(1000);
  MAO_EXPECT_OK(jobs().Succeed(claimed.claim, R"({"text":"hello"})"));
  const StoredJob done = Get(queued.id);
  EXPECT_EQ(done.state, JobState::kSucceeded);
  EXPECT_EQ(done.finished_ms, kTestStartMs + 2000);
  EXPECT_EQ(done.expires_ms, kTestStartMs + 2000 + kDayMs);
  EXPECT_FALSE(done.error.has_value());
  EXPECT_EQ(ValueOf(jobs().ResultOf("alice", queued.id)), R"({"text":"hello"})");
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u) << "inputs go when the job ends";
}

TEST_F(JobStoreTest, EverythingIsThereAfterReopening) {
  const StoredJob queued = Enqueue(SimpleJob());
  const StoredJob done = Enqueue(SimpleJob());
  MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "1"));
  Reopen();
  EXPECT_EQ(StateOf(queued.id), JobState::kSucceeded);
  EXPECT_EQ(ValueOf(jobs().ResultOf("alice", queued.id)), "1");
  EXPECT_EQ(StateOf(done.id), JobState::kQueued);
}

TEST_F(JobStoreTest, SmallerPriorityFirstThenAge) {
  std::vector<std::string> ids;
  for (const int priority : {5, 0, 5, -1, 0}) {
    NewJob job = SimpleJob();
    job.priority = priority;
    clock_.Turn(-1000);  // age is the order of arrival, not the clock
    ids.push_back(Enqueue(job).id);
  }
  for (const size_t expected : {3, 1, 4, 0, 2}) EXPECT_EQ(Claim().job.id, ids[expected]);
}

TEST_F(JobStoreTest, AnotherOwnersJobIsNotThere) {
  const std::string id = Enqueue(SimpleJob()).id;
  ExpectError(jobs().Get("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(jobs().ResultOf("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(jobs().Cancel("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(jobs().Delete("bob", id), StatusCode::kNotFound, id);
  ExpectError(jobs().WaitForChange("bob", id, 0, 0).status(), StatusCode::kNotFound, id);
  EXPECT_TRUE(ValueOf(jobs().List({.owner = "bob", .state = {}, .after_id = ""})).jobs.empty());
  ExpectError(jobs().List({.owner = "bob", .state = {}, .after_id = id}).status(),
              StatusCode::kInvalidArgument, id);
  EXPECT_EQ(StateOf(id), JobState::kQueued);
}

TEST_F(JobStoreTest, TheSameIdempotencyKeyIsTheSameJob) {
  NewJob job = SimpleJob();
  job.idempotency_key = "order-17";
  const std::string id = Enqueue(job).id;
  job.inputs.push_back(Input("again"));
  const EnqueuedJob again = ValueOf(jobs().Enqueue(job));
  EXPECT_FALSE(again.created);
  EXPECT_EQ(again.job.id, id);
  EXPECT_EQ(again.job.idempotency_key, "order-17");
  job.inputs.clear();
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);

  job.owner = "bob";
  EXPECT_TRUE(ValueOf(jobs().Enqueue(job)).created) << "keys are the owner's own";
  job.owner = "alice";
  MAO_EXPECT_OK(jobs().Delete("alice", id));
  EXPECT_TRUE(ValueOf(jobs().Enqueue(job)).created);
}

TEST_F(JobStoreTest, FailureKeepsItsReasonAndNoResult) {
  const std::string id = Enqueue(SimpleJob()).id;
  const JobClaim claim = Claim().claim;
  MAO_EXPECT_OK(jobs().Fail(claim, {.code = "bad_image", .message = std::string(5000, 'm')}));
  const StoredJob failed = Get(id);
  EXPECT_EQ(failed.state, JobState::kFailed);
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->code, "bad_image");
  EXPECT_EQ(failed.error->message, std::string(1000, 'm'));
  ExpectError(jobs().ResultOf("alice", id).status(), StatusCode::kNotFound, "is failed");
}

TEST_F(JobStoreTest, AClaimThatIsOverCanDoNothing) {
  const std::string id = Enqueue(SimpleJob()).id;
  const JobClaim first = Claim().claim;
  MAO_EXPECT_OK(jobs().Release(first));
  EXPECT_EQ(StateOf(id), JobState::kQueued);
  const ClaimedJob second = Claim();
  EXPECT_EQ(second.job.attempts, 1) << "a release is no failed attempt";
  const auto expect_over = [&](const Status& status) {
    ExpectError(status, StatusCode::kInvalidArgument, id);
  };
  expect_over(jobs().Succeed(first, "1"));
  expect_over(jobs().Fail(first, {}));
  expect_over(jobs().FinishCancelled(first));
  expect_over(jobs().Release(first));
  expect_over(jobs().Progress(first, {}).status());
  expect_over(jobs().RequestOf(first).status());
  MAO_EXPECT_OK(jobs().Succeed(second.claim, "2"));
  expect_over(jobs().Succeed(second.claim, "3"));
  EXPECT_EQ(ValueOf(jobs().ResultOf("alice", id)), "2");
}

TEST_F(JobStoreTest, CancelEndsQueuedJobsAndAsksRunningOnes) {
  NewJob job = SimpleJob();
  job.inputs.push_back(Input("image"));
  const std::string running = Enqueue(job).id;
  const std::string queued = Enqueue(job).id;
  job.inputs.clear();
  const ClaimedJob claimed = Claim();
  EXPECT_EQ(ValueOf(jobs().Cancel("alice", queued)).state, JobState::kCancelled);
  EXPECT_FALSE(ValueOf(jobs().ClaimNext(0)).has_value());

  const StoredJob asked = ValueOf(jobs().Cancel("alice", running));
  EXPECT_EQ(asked.state, JobState::kRunning);
  EXPECT_TRUE(asked.cancel_requested);
  EXPECT_EQ(ValueOf(jobs().Cancel("alice", running)).version, asked.version) << "once is enough";
  EXPECT_TRUE(ValueOf(jobs().Progress(claimed.claim, {.pages_done = 1, .message = ""})));
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  MAO_EXPECT_OK(jobs().FinishCancelled(claimed.claim));
  EXPECT_EQ(StateOf(running), JobState::kCancelled);
  EXPECT_EQ(ValueOf(jobs().Cancel("alice", running)).state, JobState::kCancelled);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
}

TEST_F(JobStoreTest, AJobAskedToStopIsCancelledByItsRelease) {
  const std::string id = Enqueue(SimpleJob()).id;
  const JobClaim claim = Claim().claim;
  ValueOf(jobs().Cancel("alice", id));
  MAO_EXPECT_OK(jobs().Release(claim));
  EXPECT_EQ(StateOf(id), JobState::kCancelled);
}

TEST_F(JobStoreTest, ListsInPagesNewestFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Enqueue(SimpleJob()).id);
  MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "1"));
  const JobPage first =
      ValueOf(jobs().List({.owner = "alice", .state = {}, .after_id = "", .limit = 2}));
  ASSERT_EQ(first.jobs.size(), 2u);
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(first.jobs[0].id, ids[4]);
  Enqueue(SimpleJob());  // does not shift what follows
  const JobPage rest = ValueOf(
      jobs().List({.owner = "alice", .state = {}, .after_id = first.jobs[1].id, .limit = 3}));
  ASSERT_EQ(rest.jobs.size(), 3u);
  EXPECT_FALSE(rest.has_more);
  EXPECT_EQ(rest.jobs[2].id, ids[0]);
  const JobPage succeeded =
      ValueOf(jobs().List({.owner = "alice", .state = JobState::kSucceeded, .after_id = ""}));
  ASSERT_EQ(succeeded.jobs.size(), 1u);
  EXPECT_EQ(succeeded.jobs[0].id, ids[0]);
  for (const size_t limit : {0, 101}) {
    ExpectError(
        jobs().List({.owner = "alice", .state = {}, .after_id = "", .limit = limit}).status(),
        StatusCode::kInvalidArgument, "allowed are 1 to 100");
  }
}

TEST_F(JobStoreTest, DeleteTakesEverythingButRunningJobs) {
  NewJob job = SimpleJob();
  job.inputs.push_back(Input("image"));
  const std::string id = Enqueue(job).id;
  job.inputs.clear();
  const JobClaim claim = Claim().claim;
  ExpectError(jobs().Delete("alice", id), StatusCode::kInvalidArgument, "cancel it first");
  MAO_EXPECT_OK(jobs().Release(claim));
  MAO_EXPECT_OK(jobs().Delete("alice", id));
  ExpectError(jobs().Get("alice", id).status(), StatusCode::kNotFound, id);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
  EXPECT_EQ(NumIn(JobState::kQueued), 0);
}

TEST_F(JobStoreTest, ResultsExpireThenJobsGo) {
  const std::string id = Enqueue(SimpleJob()).id;
  const std::string queued = Enqueue(SimpleJob()).id;
  MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "1"));
  clock_.Turn(kDayMs - 1);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 0);
  clock_.Turn(1);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 1);
  EXPECT_EQ(StateOf(id), JobState::kExpired);
  ExpectError(jobs().ResultOf("alice", id).status(), StatusCode::kNotFound, "is expired");
  clock_.Turn(7 * kDayMs);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 1);
  EXPECT_EQ(jobs().Get("alice", id).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(StateOf(queued), JobState::kQueued) << "what waits does not expire";
}

TEST_F(JobStoreTest, ManyExpireInPortions) {
  for (int i = 0; i < 250; ++i) {
    Enqueue(SimpleJob());
    MAO_EXPECT_OK(jobs().FinishCancelled(Claim().claim));
  }
  clock_.Turn(kDayMs);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 250);
  EXPECT_EQ(NumIn(JobState::kExpired), 250);
}

TEST_F(JobStoreTest, AClockThatGoesBackBreaksNothing) {
  const std::string id = Enqueue(SimpleJob()).id;
  clock_.Turn(-kDayMs);
  EXPECT_EQ(ValueOf(jobs().Statistics()).oldest_queued_age_ms, 0);
  const ClaimedJob claimed = Claim();
  EXPECT_EQ(claimed.job.started_ms, kTestStartMs);
  MAO_EXPECT_OK(jobs().Succeed(claimed.claim, "1"));
  const StoredJob done = Get(id);
  EXPECT_EQ(done.finished_ms, kTestStartMs);
  EXPECT_EQ(done.expires_ms, kTestStartMs + kDayMs);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 0);
}

TEST_F(JobStoreTest, CountsByStateAndAgeOfTheOldest) {
  for (int i = 0; i < 4; ++i) {
    Enqueue(SimpleJob());
    clock_.Turn(10);
  }
  MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "1"));
  Claim();
  EXPECT_EQ(NumIn(JobState::kQueued), 2);
  EXPECT_EQ(NumIn(JobState::kRunning), 1);
  EXPECT_EQ(NumIn(JobState::kSucceeded), 1);
  EXPECT_EQ(ValueOf(jobs().Statistics()).oldest_queued_age_ms, 20);
}

TEST_F(JobStoreTest, RefusesFieldsAboveTheirLimits) {
  options_.jobs.max_request_bytes = 30;
  options_.jobs.max_inputs = 1;
  options_.jobs.max_result_bytes = 10;
  Reopen();
  const auto expect_refused = [&](void (*change)(NewJob*), StatusCode code,
                                  const std::string& text) {
    NewJob job = SimpleJob();
    change(&job);
    ExpectError(jobs().Enqueue(job).status(), code, text);
  };
  expect_refused([](NewJob* job) { job->kind.clear(); }, StatusCode::kInvalidArgument, "kind");
  expect_refused([](NewJob* job) { job->kind.assign(256, 'k'); }, StatusCode::kOutOfRange,
                 "a kind of 256 bytes; the limit is 255");
  expect_refused([](NewJob* job) { job->owner.assign(256, 'k'); }, StatusCode::kOutOfRange,
                 "an owner");
  expect_refused([](NewJob* job) { job->idempotency_key.assign(256, 'k'); },
                 StatusCode::kOutOfRange, "an idempotency key");
  expect_refused([](NewJob* job) { job->callback_url.assign(2049, 'k'); }, StatusCode::kOutOfRange,
                 "a callback URL");
  expect_refused([](NewJob* job) { job->request.assign(31, ' '); }, StatusCode::kOutOfRange,
                 "a request of 31 bytes; the limit is 30");
  expect_refused([](NewJob* job) { job->request = "{"; }, StatusCode::kInvalidArgument,
                 "are not JSON");
  NewJob job = SimpleJob();
  job.inputs.push_back(Input("1"));
  job.inputs.push_back(Input("2"));
  ExpectError(jobs().Enqueue(job).status(), StatusCode::kOutOfRange, "2 inputs; the limit is 1");
  job.inputs.pop_back();
  job.inputs[0].name.assign(256, 'n');
  ExpectError(jobs().Enqueue(job).status(), StatusCode::kOutOfRange, "an input's name");
  job.inputs.clear();

  Enqueue(SimpleJob());
  const JobClaim claim = Claim().claim;
  ExpectError(jobs().Succeed(claim, "\"0123456789\""), StatusCode::kOutOfRange,
              "12 bytes; the limit is 10");
  ExpectError(jobs().Succeed(claim, "{"), StatusCode::kInvalidArgument, claim.id);
  MAO_EXPECT_OK(jobs().Succeed(claim, "{}"));
}

TEST_F(JobStoreTest, RefusesJobsWhenTheQueueIsFull) {
  options_.jobs.max_queued = 3;
  options_.jobs.max_queued_per_owner = 2;
  options_.jobs.max_jobs = 4;
  Reopen();
  Enqueue(SimpleJob());
  Enqueue(SimpleJob());
  ExpectError(jobs().Enqueue(SimpleJob()).status(), StatusCode::kResourceExhausted,
              "queued for this owner and 1 new ones; the limit is 2");
  NewJob job = SimpleJob();
  job.owner = "bob";
  Enqueue(job);
  job.owner = "carol";
  ExpectError(jobs().Enqueue(job).status(), StatusCode::kResourceExhausted, "the limit is 3");
  Claim();
  Enqueue(job);
  Claim();
  ExpectError(jobs().Enqueue(job).status(), StatusCode::kResourceExhausted,
              "4 kept and 1 new ones; the limit is 4");
}

TEST_F(JobStoreTest, AFullDiskRefusesNewJobsAndLosesNoneOfTheOld) {
  options_.max_jobs_database_bytes = 400 << 10;
  Reopen();
  NewJob job = SimpleJob();
  job.request = "\"" + std::string(20'000, 'x') + "\"";
  std::vector<std::string> ids;
  Status status = OkStatus();
  while (status.ok() && ids.size() < 1000) {
    const auto enqueued = jobs().Enqueue(job);
    status = enqueued.status();
    if (status.ok()) ids.push_back(enqueued->job.id);
  }
  ExpectError(status, StatusCode::kResourceExhausted, "jobs.db");
  ASSERT_GT(ids.size(), 3u);
  const std::string large = "\"" + std::string(100'000, 'y') + "\"";
  const JobClaim claim = Claim().claim;
  ExpectError(jobs().Succeed(claim, large), StatusCode::kResourceExhausted, "409600 bytes");
  EXPECT_EQ(StateOf(claim.id), JobState::kRunning) << "the worker may try again";
  for (size_t i = 1; i < ids.size(); ++i) MAO_EXPECT_OK(jobs().Delete("alice", ids[i]));
  MAO_EXPECT_OK(jobs().Succeed(claim, large));
  EXPECT_EQ(ValueOf(jobs().ResultOf("alice", claim.id)), large);
}

TEST_F(JobStoreTest, RecoveryQueuesAgainUntilTheAttemptsAreUsedUp) {
  options_.jobs.max_attempts = 2;
  Reopen();
  const std::string id = Enqueue(SimpleJob()).id;
  const std::string waiting = Enqueue(SimpleJob()).id;
  EXPECT_EQ(Claim().job.id, id);
  ValueOf(jobs().Progress({.id = id, .number = 1}, {.pages_done = 1, .message = "x"}));
  Reopen();
  EXPECT_EQ(store_->recovery().num_queued, 1);
  EXPECT_EQ(StateOf(id), JobState::kQueued);
  EXPECT_EQ(Get(id).progress.pages_done, 0);
  const ClaimedJob second = Claim();
  EXPECT_EQ(second.job.id, id) << "as old as it was";
  EXPECT_EQ(second.job.attempts, 2);
  Reopen();
  EXPECT_EQ(store_->recovery().num_queued, 0);
  EXPECT_EQ(store_->recovery().num_failed, 1);
  const StoredJob failed = Get(id);
  EXPECT_EQ(failed.state, JobState::kFailed);
  EXPECT_EQ(failed.error->code, "interrupted");
  EXPECT_NE(failed.error->message.find("the limit is 2 attempts"), std::string::npos);
  EXPECT_EQ(StateOf(waiting), JobState::kQueued);
}

TEST_F(JobStoreTest, RecoveryCancelsWhatHadBeenAskedToStop) {
  const std::string id = Enqueue(SimpleJob()).id;
  Claim();
  ValueOf(jobs().Cancel("alice", id));
  Reopen();
  EXPECT_EQ(store_->recovery().num_cancelled, 1);
  EXPECT_EQ(StateOf(id), JobState::kCancelled);
}

TEST_F(JobStoreTest, CallbacksAreDueUntilDeliveredOrGivenUp) {
  options_.jobs.max_callback_attempts = 3;
  Reopen();
  NewJob job = SimpleJob();
  job.callback_url = "https://example.org/done";
  const std::string id = Enqueue(job).id;
  EXPECT_EQ(Get(id).callback_state, CallbackState::kNone);
  EXPECT_TRUE(ValueOf(jobs().DueCallbacks(10)).empty());
  MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "1"));
  Reopen();  // a callback survives as its job does
  const auto due = ValueOf(jobs().DueCallbacks(10));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].job_id, id);
  EXPECT_EQ(due[0].url, job.callback_url);

  MAO_EXPECT_OK(jobs().RecordCallback(id, false));
  EXPECT_TRUE(ValueOf(jobs().DueCallbacks(10)).empty());
  clock_.Turn(5000);
  EXPECT_EQ(ValueOf(jobs().DueCallbacks(10)).at(0).attempts, 1);
  MAO_EXPECT_OK(jobs().RecordCallback(id, false));
  clock_.Turn(5000);
  EXPECT_TRUE(ValueOf(jobs().DueCallbacks(10)).empty()) << "the wait doubles";
  clock_.Turn(5000);
  EXPECT_EQ(Get(id).callback_state, CallbackState::kPending);
  MAO_EXPECT_OK(jobs().RecordCallback(id, false));
  EXPECT_EQ(Get(id).callback_state, CallbackState::kFailed);
  EXPECT_EQ(Get(id).callback_attempts, 3);
  ExpectError(jobs().RecordCallback(id, true), StatusCode::kNotFound, id);

  const std::string other = Enqueue(job).id;
  MAO_EXPECT_OK(jobs().Fail(Claim().claim, {.code = "x", .message = "y"}));
  MAO_EXPECT_OK(jobs().RecordCallback(other, true));
  EXPECT_EQ(Get(other).callback_state, CallbackState::kDelivered);
}

TEST_F(JobStoreTest, NamesOfStatesAreThoseOfTheApi) {
  EXPECT_EQ(JobStateName(JobState::kQueued), "queued");
  EXPECT_EQ(JobStateName(JobState::kExpired), "expired");
  EXPECT_EQ(CallbackStateName(CallbackState::kDelivered), "delivered");
}

TEST_F(JobStoreTest, OnlyOneProcessOrStoreHasTheFolder) {
  ExpectError(PersistentStore::Open(options_).status(), StatusCode::kUnavailable, options_.folder);
}

}  // namespace
}  // namespace mao
