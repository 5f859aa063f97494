// kill -9 at random moments: every job that was accepted ends, and ends once.
//
// A child process accepts jobs and works on them; the parent kills it and starts the next one on the
// same folder. The child tells over a pipe what it was promised: "A key id" after Enqueue returned,
// "S id" before it claims the work done, "D id" after Succeed returned.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "base/test_sanitizer.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

// More than a quick machine finishes before the last round is killed.
constexpr int kJobs = 300;
constexpr int kRounds = kUnderSanitizer ? 16 : 40;
constexpr int kWorkers = 2;

std::string KeyOf(int number) { return "key-" + std::to_string(number); }
std::string ImageOf(int number) { return "image " + std::to_string(number % 7); }

// One write call each, so that a killed child leaves whole lines.
void Tell(int pipe_fd, const std::string& line) {
  const std::string text = line + "\n";
  if (write(pipe_fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(2);
}

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "child: %s\n", status.ToString().c_str());
  _exit(1);
}

template <typename T>
T Required(Result<T> result) {
  Require(result.status());
  return std::move(result).value();
}

PersistentStore::Options OptionsFor(const std::string& folder) {
  PersistentStore::Options options;
  options.folder = folder;
  options.jobs.max_attempts = 1'000'000;
  return options;
}

// Clients that do not know whether a job was accepted send it again under its idempotency key.
void Accept(PersistentStore* store, int first, int pipe_fd) {
  for (int i = first; i < kJobs; ++i) {
    NewJob job;
    job.kind = "ocr";
    job.owner = "alice";
    job.request = "{\"number\":" + std::to_string(i) + "}";
    job.idempotency_key = KeyOf(i);
    job.inputs.push_back({.blob = Required(store->blobs().Put("page", ImageOf(i), 1000)),
                          .name = "page",
                          .media_type = "image/png"});
    const EnqueuedJob enqueued = Required(store->jobs().Enqueue(job));
    Tell(pipe_fd, "A " + job.idempotency_key + " " + enqueued.job.id);
  }
}

void Work(PersistentStore* store, int pipe_fd) {
  while (true) {
    auto claimed = Required(store->jobs().ClaimNext(50));
    if (!claimed) {
      const JobStatistics statistics = Required(store->jobs().Statistics());
      if (statistics.num_jobs[static_cast<size_t>(JobState::kSucceeded)] == kJobs) return;
      continue;
    }
    for (const JobInput& input : claimed->inputs) {
      Required(store->blobs().Map(input.sha256, input.size_bytes));
    }
    Required(store->jobs().Progress(claimed->claim, {.pages_done = 1, .message = "page 1"}));
    Tell(pipe_fd, "S " + claimed->job.id);
    Require(
        store->jobs().Succeed(claimed->claim, Required(store->jobs().RequestOf(claimed->claim))));
    Tell(pipe_fd, "D " + claimed->job.id);
  }
}

[[noreturn]] void RunChild(const std::string& folder, int first, int pipe_fd) {
  {
    auto store = Required(PersistentStore::Open(OptionsFor(folder)));
    std::vector<std::thread> workers;
    for (int i = 0; i < kWorkers; ++i) workers.emplace_back(Work, store.get(), pipe_fd);
    Accept(store.get(), first, pipe_fd);
    for (std::thread& worker : workers) worker.join();
  }
  _exit(0);
}

// What children told, over all rounds.
struct Told {
  std::map<std::string, std::string> accepted;  // key -> id
  std::set<std::string> done;

  void Read(const std::string& text) {
    std::istringstream lines(text);
    std::string what;
    while (lines >> what) {
      std::string id;
      if (what == "A") {
        std::string key;
        lines >> key >> id;
        const auto [entry, is_new] = accepted.emplace(key, id);
        EXPECT_EQ(entry->second, id) << key << " became two jobs";
      } else {
        lines >> id;
        EXPECT_FALSE(done.contains(id)) << what << ": " << id << " was done before";
        if (what == "D") done.insert(id);
      }
    }
  }
  // The first key whose acceptance nobody heard of.
  int NextJob() const {
    int number = 0;
    while (accepted.contains(KeyOf(number))) ++number;
    return number;
  }
};

// When to kill: after the child told so many lines and a little more time. kNever: not at all.
struct Moment {
  int64_t num_lines = 0;
  int64_t delay_us = 0;
};
constexpr Moment kNever = {.num_lines = INT64_MAX};

// Runs a child until that moment, or to its end, and takes what it told.
int RunRound(const std::string& folder, Moment moment, Told* told) {
  int pipe_fds[2] = {-1, -1};
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(pipe_fds[0]);
    RunChild(folder, told->NextJob(), pipe_fds[1]);
  }
  close(pipe_fds[1]);
  std::string text;
  char buffer[64];
  bool is_killed = false;
  while (true) {
    if (!is_killed && std::count(text.begin(), text.end(), '\n') >= moment.num_lines) {
      std::this_thread::sleep_for(std::chrono::microseconds(moment.delay_us));
      kill(child, SIGKILL);
      is_killed = true;
    }
    const ssize_t count = read(pipe_fds[0], buffer, sizeof(buffer));
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  close(pipe_fds[0]);
  int exit_status = 0;
  EXPECT_EQ(waitpid(child, &exit_status, 0), child);
  told->Read(text);
  return exit_status;
}

TEST(CrashTest, EveryAcceptedJobEndsOnceWhateverIsKilled) {
  const TempFolder temp(testing::TempDir());
  const std::string folder = temp.PathOf("data");
  std::mt19937 random(17);  // NOLINT(bugprone-random-generator-seed): the same moments each time
  Told told;
  int num_killed = 0;
  for (int round = 0; round < kRounds; ++round) {
    // Every fourth while it starts.
    const bool early = round % 4 == 3;
    const Moment moment = {.num_lines = early ? 0 : static_cast<int64_t>(1 + random() % 12),
                           .delay_us = static_cast<int64_t>(random() % (early ? 40'000 : 4'000))};
    const int exit_status = RunRound(folder, moment, &told);
    if (WIFSIGNALED(exit_status)) ++num_killed;
    ASSERT_TRUE(WIFSIGNALED(exit_status) || WEXITSTATUS(exit_status) == 0);
  }
  const Told before_last = told;
  EXPECT_GT(num_killed, kRounds / 2);
  EXPECT_FALSE(before_last.done.empty());
  ASSERT_EQ(RunRound(folder, kNever, &told), 0);

  EXPECT_EQ(told.accepted.size(), static_cast<size_t>(kJobs));
  auto store = ValueOf(PersistentStore::Open(OptionsFor(folder)));
  const JobStatistics statistics = ValueOf(store->jobs().Statistics());
  EXPECT_EQ(statistics.num_jobs[static_cast<size_t>(JobState::kSucceeded)], kJobs)
      << "none lost, none twice";
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = told.accepted[KeyOf(i)];
    const StoredJob job = ValueOf(store->jobs().Get("alice", id));
    EXPECT_EQ(job.state, JobState::kSucceeded);
    EXPECT_EQ(ValueOf(store->jobs().ResultOf("alice", id)),
              "{\"number\":" + std::to_string(i) + "}");
  }
  EXPECT_EQ(NumBlobFiles(folder), 0u);
  std::printf("killed %d of %d processes; %zu jobs accepted and %zu done before the last one\n",
              num_killed, kRounds, before_last.accepted.size(), before_last.done.size());
}

}  // namespace
}  // namespace mao
