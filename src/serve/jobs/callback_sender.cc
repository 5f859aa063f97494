#include "serve/jobs/callback_sender.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/api/json.h"

namespace mao {
namespace {

constexpr std::chrono::milliseconds kInterval{250};
// Threads of one round. A round takes no longer than its slowest receiver may.
constexpr size_t kAtOnce = 16;

}  // namespace

std::string JobEventId(const DueCallback& callback) {
  return "evt_" + callback.job_id.substr(callback.job_id.find('_') + 1);
}

std::string JobEventJson(const DueCallback& callback) {
  constexpr int64_t kMsPerSecond = 1000;
  const std::string_view state = JobStateName(callback.state);
  nlohmann::ordered_json data = {{"id", callback.job_id}, {"status", state}};
  data["status_url"] = "/api/jobs/" + callback.job_id;
  if (callback.state == JobState::kSucceeded) {
    data["result_url"] = "/api/jobs/" + callback.job_id + "/result";
  }
  const nlohmann::ordered_json event = {{"object", "event"},
                                        {"id", JobEventId(callback)},
                                        {"type", fmt::format("job.{}", state)},
                                        {"created_at", callback.finished_ms / kMsPerSecond},
                                        {"data", data}};
  return DumpJson(event);
}

CallbackSender::CallbackSender(JobStore& jobs, const Webhooks& webhooks)
    : jobs_(jobs),
      webhooks_(webhooks),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void CallbackSender::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    const auto due = jobs_.DueCallbacks(kAtOnce);
    if (!due.ok()) LogError("callbacks: " + due.status().message());
    std::atomic<bool> pauses = !due.ok() || due->empty();
    if (due.ok()) {
      std::vector<std::jthread> threads;
      for (const DueCallback& callback : *due) {
        threads.emplace_back([&] {
          if (!Send(callback, stop)) pauses = true;  // it is due at once
        });
      }
    }
    if (!pauses) continue;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

bool CallbackSender::Send(const DueCallback& callback, const std::stop_token& stop) {
  const Status status =
      webhooks_.Send(callback.url, JobEventId(callback), JobEventJson(callback), stop);
  if (status.code() == StatusCode::kCancelled) return false;  // the next start tries again
  if (!status.ok()) {
    LogWarning(fmt::format("callback of {}, attempt {}: {}", callback.job_id, callback.attempts + 1,
                           status.message()));
  }
  const Status recorded = jobs_.RecordCallback(callback.job_id, status.ok());
  if (recorded.ok()) return true;
  // The client may have deleted the job meanwhile.
  if (recorded.code() == StatusCode::kNotFound) return true;
  LogError(fmt::format("callback of {}: {}", callback.job_id, recorded.message()));
  return false;
}

}  // namespace mao
