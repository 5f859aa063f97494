#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/respond.h"
#include "serve/jobs/job_actions.h"
#include "serve/jobs/route_table.h"
#include "serve/jobs/routes.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<Exchange>;

constexpr int64_t kMaxWaitSeconds = 300;

Status SendAccepted(const ExchangePtr& exchange, const EnqueuedJob& enqueued) {
  HttpResponse response =
      JsonResponse(enqueued.created ? 202 : 200, DumpJson(DescribeJob(enqueued.job)));
  response.headers.emplace_back("Location", "/api/jobs/" + enqueued.job.id);
  exchange->Send(std::move(response));
  return OkStatus();
}

// POST /api/ocr/async and so on: what the path without /async would do, later.
Status SubmitAsync(PersistentStore& store, const JobRunner& runner, const ExchangePtr& exchange) {
  constexpr std::string_view kSuffix = "/async";
  HttpRequest request = exchange->request();
  request.path.resize(request.path.size() - kSuffix.size());
  std::string callback_url = request.QueryParameter("callback_url").value_or("");
  MAO_ASSIGN_OR_RETURN(const EnqueuedJob job,
                       EnqueueRequest(store, runner, request, std::move(callback_url)));
  return SendAccepted(exchange, job);
}

// POST /api/jobs {"url":"/api/ocr","body":{…},"callback_url":…}
Status SubmitJob(PersistentStore& store, const JobRunner& runner, const ExchangePtr& exchange) {
  MAO_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(exchange->request().body));
  HttpRequest request;
  request.method = "POST";
  request.context = exchange->request().context;
  request.headers = {
      {"Content-Type", "application/json"},
      {"Idempotency-Key", std::string(exchange->request().Header("Idempotency-Key"))}};
  std::string callback_url;
  JsonFields fields(json);
  fields.Read("url", request.path).Read("callback_url", callback_url);
  MAO_RETURN_IF_ERROR(fields.status());
  const nlohmann::json* body = fields.Find("body");
  if (body == nullptr || !body->is_object()) {
    return InvalidArgumentError("body: expected the object that url takes");
  }
  constexpr std::string_view kPath[] = {"body"};
  MAO_ASSIGN_OR_RETURN(request.body, JsonTextAt(exchange->request().body, kPath));
  MAO_ASSIGN_OR_RETURN(const EnqueuedJob job,
                       EnqueueRequest(store, runner, request, std::move(callback_url)));
  return SendAccepted(exchange, job);
}

Status ListJobs(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  JobFilter filter;
  filter.owner = request.context.key_id;
  if (const auto status = request.QueryParameter("status"); status.has_value()) {
    MAO_ASSIGN_OR_RETURN(filter.state, ParseJobState(*status));
  }
  filter.after_id = request.QueryParameter("after").value_or("");
  MAO_ASSIGN_OR_RETURN(filter.limit, PageLimit(request, filter.limit));
  MAO_ASSIGN_OR_RETURN(const JobPage page, store.jobs().List(filter));
  Json data = Json::array();
  for (const StoredJob& job : page.jobs) data.push_back(DescribeJob(job));
  exchange->Send(JsonResponse(200, DumpJson(Json{{"data", data}, {"has_more", page.has_more}})));
  return OkStatus();
}

// ?wait=SECONDS&version=N answers when the job has changed since that version.
Status GetJob(PersistentStore& store, JobWatcher& watcher, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  const std::string& id = request.path_parameters.at("id");
  const std::string& owner = request.context.key_id;
  MAO_ASSIGN_OR_RETURN(const int64_t wait, NumberParameter(request, "wait", 0));
  MAO_ASSIGN_OR_RETURN(const StoredJob job, store.jobs().Get(owner, id));
  MAO_ASSIGN_OR_RETURN(const int64_t version, NumberParameter(request, "version", job.version));
  const auto deadline = JobWatcher::Clock::now() +
                        std::chrono::seconds(std::clamp<int64_t>(wait, 0, kMaxWaitSeconds));
  const auto is_gone = std::make_shared<std::atomic<bool>>(false);
  exchange->OnDisconnect([is_gone] { *is_gone = true; });
  watcher.Add({owner, id, version, deadline, [is_gone] { return is_gone->load(); },
               [exchange](const Result<StoredJob>& now) {
                 exchange->Send(now.ok() ? JsonResponse(200, DumpJson(DescribeJob(*now)))
                                         : OpenAiError(now.status(), kJobNotFound));
               }});
  return OkStatus();
}

// A job that is there may have no result: it has not ended, or not well.
Status GetResult(PersistentStore& store, const ExchangePtr& exchange) {
  const std::string& owner = exchange->request().context.key_id;
  const std::string& id = exchange->request().path_parameters.at("id");
  MAO_RETURN_IF_ERROR(store.jobs().Get(owner, id).status());
  Result<std::string> result = store.jobs().ResultOf(owner, id);
  exchange->Send(result.ok() ? JsonResponse(200, *std::move(result))
                             : OpenAiError(result.status(), "result_not_found"));
  return OkStatus();
}

// Cancels a job that has not ended; one that has is deleted.
Status DeleteJob(PersistentStore& store, JobRunner& runner, const ExchangePtr& exchange) {
  const std::string& owner = exchange->request().context.key_id;
  const std::string& id = exchange->request().path_parameters.at("id");
  MAO_ASSIGN_OR_RETURN(const StoredJob before, store.jobs().Get(owner, id));
  if (HasEnded(before.state)) {
    MAO_RETURN_IF_ERROR(store.jobs().Delete(owner, id));
    exchange->Send(JsonResponse(200, DumpJson(Json{{"id", id}, {"deleted", true}})));
    return OkStatus();
  }
  MAO_ASSIGN_OR_RETURN(const StoredJob job, CancelJob(store, runner, owner, id));
  exchange->Send(JsonResponse(200, DumpJson(DescribeJob(job))));
  return OkStatus();
}

}  // namespace

void AddJobRoutes(PersistentStore& store, JobRunner& runner, JobWatcher& watcher, Router& router) {
  const RouteTable rest(Interface::kRest, kJobNotFound, router);
  for (const char* path : {"/api/ocr/async", "/api/generate/async", "/v1/ocr/async"}) {
    rest.Add("POST", path,
             [&](const ExchangePtr& exchange) { return SubmitAsync(store, runner, exchange); });
  }
  rest.Add("POST", "/api/jobs",
           [&](const ExchangePtr& exchange) { return SubmitJob(store, runner, exchange); });
  rest.Add("GET", "/api/jobs",
           [&](const ExchangePtr& exchange) { return ListJobs(store, exchange); });
  rest.Add("GET", "/api/jobs/{id}",
           [&](const ExchangePtr& exchange) { return GetJob(store, watcher, exchange); });
  rest.Add("GET", "/api/jobs/{id}/result",
           [&](const ExchangePtr& exchange) { return GetResult(store, exchange); });
  rest.Add("DELETE", "/api/jobs/{id}",
           [&](const ExchangePtr& exchange) { return DeleteJob(store, runner, exchange); });
}

}  // namespace mao
