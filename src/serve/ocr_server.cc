#include "serve/ocr_server.h"

#include <thread>
#include <utility>

#include "base/log.h"
#include "serve/graphql_api/resolvers.h"
#include "serve/graphql_api/routes.h"
#include "serve/jobs/routes.h"
#include "serve/middleware/request_trace.h"
#include "serve/openai/routes.h"
#include "serve/rest/routes.h"
#include "serve/web/routes.h"
#include "serve/ws/routes.h"

namespace mao {
namespace {

void LogExchange(const HttpExchangeRecord& record) {
  const HttpRequest& request = record.request;
  Log(LogLevel::kInfo, "request",
      {{"request_id", request.context.request_id},
       {"method", request.method},
       {"path", request.path},
       {"status", int64_t{record.status}},
       {"ms", record.ms},
       {"bytes_in", static_cast<int64_t>(request.body.size())},
       {"bytes_out", static_cast<int64_t>(record.response_bytes)},
       {"client", request.remote_address},
       {"key", request.context.key_id},
       {"trace_id", TraceIdOf(request.context)}});
}

void LogRpc(const RpcRecord& record) {
  Log(LogLevel::kInfo, "rpc",
      {{"request_id", record.context.request_id},
       {"method", record.method},
       {"status", record.status},
       {"ms", record.ms},
       {"key", record.context.key_id},
       {"trace_id", TraceIdOf(record.context)}});
}

}  // namespace

OcrServer::OcrServer(OcrServerConfig config, FetchUrl fetch_url)
    : tracer_(config.tracing.has_value() ? MakeOtlpTracer(*config.tracing) : nullptr),
      service_(config.service, std::move(fetch_url)),
      admission_(std::move(config.admission)) {}

Result<std::unique_ptr<OcrServer>> OcrServer::Start(OcrServerConfig config, FetchUrl fetch_url) {
  const HttpServerConfig http = config.http;
  const SystemOptions system = config.system;
  const std::optional<GrpcListener> grpc = config.grpc;
  const PersistentStore::Options store = config.store;
  JobRunnerOptions runner = {config.num_job_workers, std::move(config.webhooks)};
  const RestOptions rest = {system.version, fetch_url};
  std::unique_ptr<OcrServer> server(new OcrServer(std::move(config), std::move(fetch_url)));
  OcrServer* const self = server.get();
  self->metrics_.SetService(&self->service_);
  self->metrics_.SetTracer(self->tracer_.get());
  self->service_.AddListener(&self->metrics_);
  MAO_RETURN_IF_ERROR(self->OpenStore(store, std::move(runner)));
  AddSystemRoutes(self->service_, self->metrics_, system, self->router_);
  AddOpenAiRoutes(self->service_, self->router_);
  AddRestRoutes(self->service_, rest, self->router_);
  AddWebSocketRoutes(self->service_, self->router_);
  AddWebRoutes(self->router_);
  AddJobRoutes(*self->store_, *self->job_runner_, *self->job_watcher_, self->router_);
  AddFileRoutes(*self->store_, self->router_);
  AddBatchRoutes(*self->store_, *self->job_runner_, self->router_);
  AddStatsRoutes(*self->store_, self->router_);
  MAO_RETURN_IF_ERROR(self->AddGraphQl(system));
  MAO_ASSIGN_OR_RETURN(self->http_, HttpServer::Start(
                                        http, self->router_,
                                        [self](HttpRequest& request, const Router::Match& match) {
                                          return self->Admit(BeginHttpSpan, request, match);
                                        },
                                        [self](const HttpExchangeRecord& record) {
                                          EndHttpSpan(record);
                                          self->metrics_.OnHttpExchange(record);
                                          LogExchange(record);
                                        }));
  if (grpc.has_value()) MAO_RETURN_IF_ERROR(self->StartGrpc(*grpc, http, system));
  return server;
}

Status OcrServer::OpenStore(const PersistentStore::Options& options, JobRunnerOptions runner) {
  MAO_ASSIGN_OR_RETURN(store_, PersistentStore::Open(options));
  const JobStore::Recovery& recovery = store_->recovery();
  if (recovery.num_queued + recovery.num_failed + recovery.num_cancelled > 0) {
    Log(LogLevel::kWarning, "jobs were running when the server ended the last time",
        {{"queued_again", recovery.num_queued},
         {"failed", recovery.num_failed},
         {"cancelled", recovery.num_cancelled}});
  }
  usage_.emplace(store_->usage());
  service_.AddListener(&*usage_);
  runner.tracer = tracer_.get();
  job_runner_ = std::make_unique<JobRunner>(*store_, router_, std::move(runner));
  job_watcher_ = std::make_unique<JobWatcher>(store_->jobs());
  return OkStatus();
}

Status OcrServer::AddGraphQl(const SystemOptions& system) {
  graphql::Resolvers resolvers;
  AddServerResolvers(service_, system.version, system.stall_limit, resolvers);
  AddGenerationResolvers(service_, resolvers);
  AddJobResolvers(*store_, *job_runner_, *job_watcher_, resolvers);
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<const graphql::Executor> executor,
                       BindGraphQl(std::move(resolvers)));
  const auto admit = [this](std::string_view credentials, CallContext& context) {
    return admission_.AdmitLate(credentials, context);
  };
  AddGraphQlRoutes(executor, admit, router_);
  return OkStatus();
}

Status OcrServer::StartGrpc(const GrpcListener& listener, const HttpServerConfig& http,
                            const SystemOptions& system) {
  GrpcServerConfig config;
  config.host = listener.host;
  config.port = listener.port;
  config.tls_certificate_file = http.tls_certificate_file;
  config.tls_key_file = http.tls_key_file;
  config.max_upload_bytes = http.max_body_bytes;
  config.max_messages_bytes = http.max_bodies_bytes;
  config.stall_limit = system.stall_limit;
  config.version = system.version;
  MAO_ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(
                                  config, service_,
                                  [this](HttpRequest& request, const Router::Match& match) {
                                    return Admit(BeginRpcSpan, request, match);
                                  },
                                  [](const RpcRecord& record) {
                                    EndRpcSpan(record.context, record.status);
                                    LogRpc(record);
                                  }));
  return OkStatus();
}

Admission OcrServer::Admit(BeginSpan begin_span, HttpRequest& request, const Router::Match& match) {
  Admission admission = admission_.Admit(request, match);
  // What is refused costs no span: strangers must not fill the collector.
  if (tracer_ != nullptr && match.route != nullptr && !admission.refusal.has_value()) {
    begin_span(*tracer_, request, *match.route);
  }
  return admission;
}

// What asks ends before the calls, and these before the connections, which their observers write to.
OcrServer::~OcrServer() {
  if (job_watcher_ != nullptr) job_watcher_->Stop();
  if (job_runner_ != nullptr) job_runner_->Stop();
  service_.Stop();
}

bool OcrServer::Drain(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kInterval{20};
  const auto end = std::chrono::steady_clock::now() + timeout;
  job_runner_->Stop();  // its jobs are done after the next start
  service_.Drain();
  http_->Drain();
  if (grpc_ != nullptr && !grpc_->Drain(timeout)) return false;
  const auto left = end - std::chrono::steady_clock::now();
  if (!service_.WaitUntilIdle(std::chrono::duration_cast<std::chrono::milliseconds>(left))) {
    return false;
  }
  while (http_->num_connections() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kInterval);
  }
  return http_->num_connections() == 0;
}

}  // namespace mao
