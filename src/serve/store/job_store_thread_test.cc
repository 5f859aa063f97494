// Threads that wait for jobs, work on them and cancel them all at once.
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/test_sanitizer.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr int64_t kLongMs = 600'000;  // never reached unless something is wrong

class JobStoreThreadTest : public StoreTest {
 protected:
  JobStoreThreadTest() { Open(); }
  JobStore& jobs() { return store_->jobs(); }
};

TEST_F(JobStoreThreadTest, WaitForChangeReturnsWithTheChange) {
  const StoredJob queued = Enqueue(SimpleJob());
  std::thread worker([&] {
    const ClaimedJob claimed = Claim();
    MAO_EXPECT_OK(jobs().Succeed(claimed.claim, "1"));
  });
  StoredJob job = queued;
  while (!HasEnded(job.state)) {
    const StoredJob next = ValueOf(jobs().WaitForChange("alice", job.id, job.version, kLongMs));
    EXPECT_GT(next.version, job.version);
    job = next;
  }
  worker.join();
  EXPECT_EQ(job.state, JobState::kSucceeded);
}

TEST_F(JobStoreThreadTest, WaitForChangeEndsAtItsTime) {
  const StoredJob job = Enqueue(SimpleJob());
  EXPECT_EQ(ValueOf(jobs().WaitForChange("alice", job.id, job.version, 20)).version, job.version);
  EXPECT_EQ(ValueOf(jobs().WaitForChange("alice", job.id, job.version, -5)).version, job.version);
  EXPECT_EQ(ValueOf(jobs().WaitForChange("alice", job.id, job.version - 1, kLongMs)).version,
            job.version);
}

TEST_F(JobStoreThreadTest, WaitForChangeSeesDeletion) {
  const StoredJob job = Enqueue(SimpleJob());
  std::thread deleter([&] { MAO_EXPECT_OK(jobs().Delete("alice", job.id)); });
  EXPECT_EQ(jobs().WaitForChange("alice", job.id, job.version, kLongMs).status().code(),
            StatusCode::kNotFound);
  deleter.join();
}

TEST_F(JobStoreThreadTest, StopWaitingWakesEverybody) {
  const StoredJob job = Enqueue(SimpleJob());
  Claim();
  std::thread client([&] {
    EXPECT_EQ(ValueOf(jobs().WaitForChange("alice", job.id, job.version + 1, kLongMs)).state,
              JobState::kRunning);
  });
  std::thread worker([&] { EXPECT_FALSE(ValueOf(jobs().ClaimNext(kLongMs)).has_value()); });
  jobs().StopWaiting();
  client.join();
  worker.join();
}

TEST_F(JobStoreThreadTest, MoreThanTheLimitDoNotWait) {
  options_.jobs.max_waiters = 0;
  Reopen();
  const StoredJob job = Enqueue(SimpleJob());
  ExpectError(jobs().WaitForChange("alice", job.id, job.version, kLongMs).status(),
              StatusCode::kResourceExhausted, "the limit of 0 waiting requests");
  EXPECT_TRUE(ValueOf(jobs().ClaimNext(kLongMs)).has_value()) << "workers have their own places";
}

TEST_F(JobStoreThreadTest, AWorkerThatWaitsGetsTheNextJob) {
  std::atomic<bool> done = false;
  std::thread worker([&] {
    const auto claimed = ValueOf(jobs().ClaimNext(kLongMs));
    ASSERT_TRUE(claimed.has_value());
    done = true;
  });
  Enqueue(SimpleJob());
  worker.join();
  EXPECT_TRUE(done);
  EXPECT_FALSE(ValueOf(jobs().ClaimNext(10)).has_value());
}

// Clients enqueue, cancel, list and wait while workers claim, tell progress and end: every job ends
// once, as the one that ended it says.
TEST_F(JobStoreThreadTest, ACrowdEndsEveryJobOnce) {
  constexpr int kClients = 3;
  constexpr int kWorkers = 3;
  constexpr int kJobsPerClient = kUnderSanitizer ? 30 : 100;
  std::mutex mutex;
  std::map<std::string, JobState> ended;  // by workers
  std::atomic<int> num_cancelled_at_once = 0;

  const auto client = [&](int number) {
    for (int i = 0; i < kJobsPerClient; ++i) {
      NewJob job = SimpleJob();
      job.priority = i % 3;
      job.inputs.push_back(Input("image " + std::to_string(i % 5)));
      const StoredJob stored = Enqueue(job);
      if (i % 4 == number % 4) {
        const StoredJob cancelled = ValueOf(jobs().Cancel("alice", stored.id));
        if (cancelled.state == JobState::kCancelled && cancelled.started_ms == 0) {
          ++num_cancelled_at_once;
        }
      }
      if (i % 10 == 0) {
        ValueOf(jobs().WaitForChange("alice", stored.id, stored.version, 1));
        ValueOf(jobs().List({.owner = "alice", .state = JobState::kRunning, .after_id = ""}));
        ValueOf(jobs().Statistics());
      }
    }
  };
  const auto worker = [&] {
    while (true) {
      const auto claimed = ValueOf(jobs().ClaimNext(kLongMs));
      if (!claimed) return;
      const JobInput& input = claimed->inputs.at(0);
      EXPECT_TRUE(store_->blobs().Map(input.sha256, input.size_bytes).ok());
      const bool must_stop =
          ValueOf(jobs().Progress(claimed->claim, {.pages_done = 1, .message = "page"}));
      MAO_EXPECT_OK(must_stop ? jobs().FinishCancelled(claimed->claim)
                              : jobs().Succeed(claimed->claim, "1"));
      const std::lock_guard<std::mutex> lock(mutex);
      const bool first =
          ended.emplace(claimed->job.id, must_stop ? JobState::kCancelled : JobState::kSucceeded)
              .second;
      EXPECT_TRUE(first) << claimed->job.id;
    }
  };
  std::vector<std::thread> clients;
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) workers.emplace_back(worker);
  for (int i = 0; i < kClients; ++i) clients.emplace_back(client, i);
  for (std::thread& thread : clients) thread.join();
  // What is queued still is claimed; then waiting is over.
  jobs().StopWaiting();
  for (std::thread& thread : workers) thread.join();

  EXPECT_EQ(static_cast<int>(ended.size()) + num_cancelled_at_once, kClients * kJobsPerClient);
  for (const auto& [id, state] : ended) EXPECT_EQ(Get(id).state, state) << id;
  const JobStatistics statistics = ValueOf(jobs().Statistics());
  EXPECT_EQ(statistics.num_jobs[static_cast<size_t>(JobState::kQueued)], 0);
  EXPECT_EQ(statistics.num_jobs[static_cast<size_t>(JobState::kRunning)], 0);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
  EXPECT_EQ(store_->blobs().total_bytes(), 0);
}

}  // namespace
}  // namespace mao
