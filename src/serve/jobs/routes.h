// Work in the background: /api/jobs, OpenAI's /v1/files and /v1/batches, and /api/stats.
#ifndef MAOOCR_SERVE_JOBS_ROUTES_H_
#define MAOOCR_SERVE_JOBS_ROUTES_H_

#include "serve/http/router.h"
#include "serve/jobs/job_runner.h"
#include "serve/jobs/job_watcher.h"
#include "serve/store/persistent_store.h"

namespace mao {

// All outlive the router.
void AddJobRoutes(PersistentStore& store, JobRunner& runner, JobWatcher& watcher, Router& router);
void AddFileRoutes(PersistentStore& store, Router& router);
void AddBatchRoutes(PersistentStore& store, JobRunner& runner, Router& router);
void AddStatsRoutes(PersistentStore& store, Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_ROUTES_H_
