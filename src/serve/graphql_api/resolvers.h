// The fields of the schema over the service. One function for each part, which adds its own.
#ifndef MAOOCR_SERVE_GRAPHQL_API_RESOLVERS_H_
#define MAOOCR_SERVE_GRAPHQL_API_RESOLVERS_H_

#include <chrono>
#include <string>

#include "serve/api/service.h"
#include "serve/graphql/executor.h"
#include "serve/jobs/job_runner.h"
#include "serve/jobs/job_watcher.h"
#include "serve/store/persistent_store.h"

namespace mao {

// Health, version, models, modes. The service outlives the resolvers.
void AddServerResolvers(const Service& service, const std::string& version,
                        std::chrono::milliseconds stall_limit, graphql::Resolvers& resolvers);
// ocr and generate.
void AddGenerationResolvers(Service& service, graphql::Resolvers& resolvers);
// Jobs and what was used. All outlive the resolvers.
void AddJobResolvers(PersistentStore& store, JobRunner& runner, JobWatcher& watcher,
                     graphql::Resolvers& resolvers);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_RESOLVERS_H_
