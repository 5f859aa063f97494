#include <chrono>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "serve/api/json.h"
#include "serve/graphql_api/names.h"
#include "serve/graphql_api/ocr_fields.h"
#include "serve/graphql_api/request_context.h"
#include "serve/graphql_api/resolvers.h"
#include "serve/jobs/job_actions.h"
#include "serve/jobs/usage_report.h"

namespace mao {
namespace {

using graphql::EventSink;
using graphql::FieldCall;
using Json = nlohmann::ordered_json;

// An argument that may be absent or null.
std::string TextArgument(const FieldCall& call, const char* name) {
  const auto argument = call.arguments.find(name);
  return argument == call.arguments.end() || argument->is_null() ? ""
                                                                 : argument->get<std::string>();
}

Json ToJob(const StoredJob& job) {
  Json json = CamelCaseNames(DescribeJob(job));
  json["status"] = EnumValue(JobStateName(job.state));
  json["cancelRequested"] = job.cancel_requested;
  return json;
}

Result<Json> ListJobs(PersistentStore& store, const FieldCall& call) {
  JobFilter filter;
  filter.owner = ServiceRequest::Of(call).key_id();
  filter.after_id = TextArgument(call, "after");
  filter.limit = static_cast<size_t>(std::max<int64_t>(call.arguments["first"].get<int64_t>(), 0));
  if (const std::string status = TextArgument(call, "status"); !status.empty()) {
    MAO_ASSIGN_OR_RETURN(filter.state, ParseJobState(FromEnumValue(status)));
  }
  MAO_ASSIGN_OR_RETURN(const JobPage page, store.jobs().List(filter));
  Json jobs = Json::array();
  for (const StoredJob& job : page.jobs) jobs.push_back(ToJob(job));
  return Json{{"jobs", std::move(jobs)}, {"hasMore", page.has_more}};
}

// Null: the job has none.
Result<Json> ReadResult(PersistentStore& store, const FieldCall& call) {
  if (call.parent["status"] != "SUCCEEDED") return Json();
  ServiceRequest& request = ServiceRequest::Of(call);
  const Result<std::string> text =
      store.jobs().ResultOf(request.key_id(), call.parent["id"].get<std::string>());
  if (text.status().code() == StatusCode::kNotFound) return Json();  // expired meanwhile
  if (!text.ok()) return text.status();
  MAO_RETURN_IF_ERROR(request.TakeResult(text->size()));
  return Json::parse(*text);
}

Result<Json> ReadOcrResult(PersistentStore& store, const FieldCall& call) {
  MAO_ASSIGN_OR_RETURN(const Json result, ReadResult(store, call));
  const bool is_ocr = result.is_object() && result.contains("raw_text") &&
                      result.contains("metadata") && result["metadata"].contains("mode");
  return is_ocr ? ToOcrResult(result) : Json();
}

// As POST /api/jobs with the url /api/ocr.
Result<Json> SubmitJob(PersistentStore& store, const JobRunner& runner, const FieldCall& call) {
  ServiceRequest& owner = ServiceRequest::Of(call);
  const Json& input = call.arguments["ocr"];
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/ocr";
  request.context = owner.NextCall("ocr");
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", TextArgument(call, "idempotencyKey")}};
  if (!owner.use_result_cache() || input.value("bypassCache", Json()) == true) {
    request.headers.emplace_back("Cache-Control", "no-cache");
  }
  request.body = DumpJson(ToOcrFields(input));
  MAO_ASSIGN_OR_RETURN(const EnqueuedJob job,
                       EnqueueRequest(store, runner, request, TextArgument(call, "callbackUrl")));
  return ToJob(job.job);
}

Result<Json> ReadStats(UsageStore& usage, const FieldCall& call) {
  const std::string group = FromEnumValue(call.arguments["group"].get<std::string>());
  MAO_ASSIGN_OR_RETURN(const Json report,
                       UsageReport(usage, ServiceRequest::Of(call).key_id(), group,
                                   call.arguments["days"].get<int64_t>()));
  Json rows = Json::array();
  for (const Json& row : report["data"]) {
    rows.push_back(CamelCaseNames(row));
    rows.back()["name"] = row.value(group, Json());
  }
  return Json{{"group", EnumValue(group)},
              {"from", report["from"]},
              {"to", report["to"]},
              {"rows", std::move(rows)}};
}

// Follows one job until it has ended or nobody listens.
class JobFollower : public std::enable_shared_from_this<JobFollower> {
 public:
  JobFollower(JobWatcher& watcher, ServiceRequest& request, std::string id, EventSink sink)
      : watcher_(watcher), request_(request), id_(std::move(id)), sink_(std::move(sink)) {}

  void Take(const Result<StoredJob>& job) {
    if (!job.ok()) return sink_.end(job.status());
    if (job->version != version_ && !sink_.next(ToJob(*job))) return sink_.end(OkStatus());
    version_ = job->version;
    if (HasEnded(job->state)) return sink_.end(OkStatus());
    watcher_.Add({request_.key_id(), id_, version_, JobWatcher::Clock::now() + kRound,
                  [self = shared_from_this()] { return self->request_.IsCancelled(); },
                  [self = shared_from_this()](const Result<StoredJob>& now) { self->Take(now); }});
  }

 private:
  static constexpr std::chrono::minutes kRound{5};

  JobWatcher& watcher_;
  ServiceRequest& request_;  // lives until the sink's end
  const std::string id_;
  const EventSink sink_;
  int64_t version_ = -1;
};

}  // namespace

void AddJobResolvers(PersistentStore& store, JobRunner& runner, JobWatcher& watcher,
                     graphql::Resolvers& resolvers) {
  auto& fields = resolvers.fields;
  const auto get = [&store](const FieldCall& call) {
    return store.jobs().Get(ServiceRequest::Of(call).key_id(), TextArgument(call, "id"));
  };
  fields["Query.job"] = [get](const FieldCall& call) -> Result<Json> {
    MAO_ASSIGN_OR_RETURN(const StoredJob job, get(call));
    return ToJob(job);
  };
  fields["Query.jobs"] = [&store](const FieldCall& call) { return ListJobs(store, call); };
  fields["Query.stats"] = [&store](const FieldCall& call) {
    return ReadStats(store.usage(), call);
  };
  fields["Job.result"] = [&store](const FieldCall& call) { return ReadResult(store, call); };
  fields["Job.ocrResult"] = [&store](const FieldCall& call) { return ReadOcrResult(store, call); };
  fields["Mutation.submitJob"] = [&store, &runner](const FieldCall& call) {
    return SubmitJob(store, runner, call);
  };
  fields["Mutation.cancelJob"] = [&store, &runner](const FieldCall& call) -> Result<Json> {
    MAO_ASSIGN_OR_RETURN(
        const StoredJob job,
        CancelJob(store, runner, ServiceRequest::Of(call).key_id(), TextArgument(call, "id")));
    return ToJob(job);
  };
  fields["Mutation.deleteJob"] = [&store](const FieldCall& call) -> Result<Json> {
    const std::string id = TextArgument(call, "id");
    MAO_RETURN_IF_ERROR(store.jobs().Delete(ServiceRequest::Of(call).key_id(), id));
    return Json(id);
  };
  resolvers.subscriptions["Subscription.job"] = [get, &watcher](const FieldCall& call,
                                                                const EventSink& sink) {
    std::make_shared<JobFollower>(watcher, ServiceRequest::Of(call), TextArgument(call, "id"), sink)
        ->Take(get(call));
  };
}

}  // namespace mao
