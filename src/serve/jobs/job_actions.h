// What clients do with jobs, whatever interface they come by.
#ifndef MAOOCR_SERVE_JOBS_JOB_ACTIONS_H_
#define MAOOCR_SERVE_JOBS_JOB_ACTIONS_H_

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "serve/http/message.h"
#include "serve/jobs/job_runner.h"
#include "serve/store/persistent_store.h"

namespace mao {

// As GET /api/jobs/{id} answers.
nlohmann::ordered_json DescribeJob(const StoredJob& job);

// The job that does `request` later, for the key of its context. InvalidArgument: its path cannot run
// in the background, or there are no callbacks; errors of JobStore::Enqueue.
Result<EnqueuedJob> EnqueueRequest(PersistentStore& store, const JobRunner& runner,
                                   const HttpRequest& request, std::string callback_url);

// "queued" and so on. InvalidArgument: there is none of that name.
Result<JobState> ParseJobState(std::string_view name);

// The job after it was asked to stop; one that has ended stays as it is.
Result<StoredJob> CancelJob(PersistentStore& store, JobRunner& runner, const std::string& owner,
                            const std::string& id);

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_JOB_ACTIONS_H_
