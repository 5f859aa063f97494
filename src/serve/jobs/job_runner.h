// Works on stored jobs, and keeps the stores in order.
#ifndef MAOOCR_SERVE_JOBS_JOB_RUNNER_H_
#define MAOOCR_SERVE_JOBS_JOB_RUNNER_H_

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "serve/http/router.h"
#include "serve/jobs/callback_sender.h"
#include "serve/jobs/webhooks.h"
#include "serve/store/persistent_store.h"

namespace mao {

struct JobRunnerOptions {
  size_t num_workers = 8;
  std::optional<Webhooks> webhooks;  // not set: callbacks are refused when jobs are made
  Tracer* tracer = nullptr;          // outlives the runner; null: jobs are not traced
};

// A job is a request that goes through the router like any other, behind those of clients who wait.
class JobRunner {
 public:
  // Store and router outlive it.
  JobRunner(PersistentStore& store, const Router& router, JobRunnerOptions options);
  // Stops.
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  // Begins to work; to be called once, when the models can answer.
  void Start();
  // What runs goes back into the queue. Once, while clients may still ask for the rest of it.
  void Stop();

  // Has a running job stop, after the store was asked to cancel it.
  void Interrupt(const std::string& job_id);
  // A batch was made: validates it soon.
  void WakeUp();

  // Ok if the end of a job can be told to this URL. InvalidArgument, OutOfRange.
  Status CheckCallback(const std::string& url) const;

 private:
  void Work(const std::stop_token& stop);
  void RunJob(const ClaimedJob& job, const std::stop_token& stop);
  Result<HttpRequest> MakeRequest(const ClaimedJob& job);
  Status Conclude(const ClaimedJob& job, const HttpResponse& response);
  void KeepHouse(const std::stop_token& stop);
  void ValidateBatches();
  Status ValidateBatch(const StoredBatch& batch);
  void FinalizeBatches();

  PersistentStore& store_;
  const Router& router_;
  const JobRunnerOptions options_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool is_woken_ = false;
  std::unordered_map<std::string, std::stop_source> running_;
  std::vector<std::jthread> threads_;
  std::optional<CallbackSender> callbacks_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_JOB_RUNNER_H_
