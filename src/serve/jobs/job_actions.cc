#include "serve/jobs/job_actions.h"

#include <utility>

#include <fmt/core.h>

#include "serve/jobs/job_request.h"
#include "serve/jobs/route_table.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxBodyBytes = int64_t{1} << 30;  // the server's limit is smaller

}  // namespace

Json DescribeJob(const StoredJob& job) {
  Json json = {{"id", job.id},
               {"status", JobStateName(job.state)},
               {"version", job.version},
               {"progress",
                {{"pages_done", job.progress.pages_done},
                 {"pages_total", job.progress.pages_total},
                 {"message", job.progress.message}}},
               {"attempts", job.attempts},
               {"created_at", IsoTime(job.created_ms)},
               {"started_at", IsoTime(job.started_ms)},
               {"finished_at", IsoTime(job.finished_ms)},
               {"expires_at", IsoTime(job.expires_ms)},
               {"status_url", "/api/jobs/" + job.id}};
  if (job.state == JobState::kSucceeded) json["result_url"] = "/api/jobs/" + job.id + "/result";
  if (job.error.has_value()) {
    json["error"] = {{"code", job.error->code}, {"message", job.error->message}};
  }
  if (job.cancel_requested) json["cancel_requested"] = true;
  if (!job.callback_url.empty()) {
    json["callback"] = {{"url", job.callback_url},
                        {"status", CallbackStateName(job.callback_state)}};
  }
  return json;
}

Result<EnqueuedJob> EnqueueRequest(PersistentStore& store, const JobRunner& runner,
                                   const HttpRequest& request, std::string callback_url) {
  if (!IsBackgroundPath(request.path)) {
    return InvalidArgumentError(
        fmt::format("{} cannot run in the background; /api/ocr can", request.path));
  }
  if (!callback_url.empty()) MAO_RETURN_IF_ERROR(runner.CheckCallback(callback_url));
  NewJob job;
  job.kind = kHttpJob;
  job.owner = request.context.key_id;
  job.request = EncodeJobRequest(request);
  job.callback_url = std::move(callback_url);
  job.idempotency_key = request.Header("Idempotency-Key");
  MAO_ASSIGN_OR_RETURN(StoredBlob body, store.blobs().Put("request", request.body, kMaxBodyBytes));
  job.inputs.push_back({std::move(body), "request", request.MediaType()});
  return store.jobs().Enqueue(job);
}

Result<JobState> ParseJobState(std::string_view name) {
  for (const JobState state : {JobState::kQueued, JobState::kRunning, JobState::kSucceeded,
                               JobState::kFailed, JobState::kCancelled, JobState::kExpired}) {
    if (JobStateName(state) == name) return state;
  }
  return InvalidArgumentError(fmt::format("status: there is no '{}'", name));
}

Result<StoredJob> CancelJob(PersistentStore& store, JobRunner& runner, const std::string& owner,
                            const std::string& id) {
  MAO_ASSIGN_OR_RETURN(StoredJob job, store.jobs().Cancel(owner, id));
  runner.Interrupt(id);
  return job;
}

}  // namespace mao
