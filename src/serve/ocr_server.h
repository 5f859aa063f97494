// The whole server: every interface over one service.
#ifndef MAOOCR_SERVE_OCR_SERVER_H_
#define MAOOCR_SERVE_OCR_SERVER_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/api/service.h"
#include "serve/grpc/grpc_server.h"
#include "serve/http/server.h"
#include "serve/jobs/job_runner.h"
#include "serve/jobs/job_watcher.h"
#include "serve/jobs/usage_listener.h"
#include "serve/metrics/server_metrics.h"
#include "serve/middleware/admission.h"
#include "serve/store/persistent_store.h"
#include "serve/system/routes.h"
#include "serve/trace/otlp_tracer.h"

namespace mao {

struct GrpcListener {
  std::string host = "127.0.0.1";
  uint16_t port = 8003;  // 0: any free one
};

struct OcrServerConfig {
  ServiceConfig service;
  HttpServerConfig http;
  std::optional<GrpcListener> grpc;  // its TLS and its limits are those of http
  AdmissionConfig admission;
  SystemOptions system;
  PersistentStore::Options store;  // jobs, files, batches, usage
  size_t num_job_workers = 8;
  std::optional<OtlpTracerConfig> tracing;  // not set: no traces
  std::optional<Webhooks> webhooks;         // not set: callbacks of jobs are refused
};

class OcrServer {
 public:
  // Listens from here on; models are added to service() and made ready later. `fetch_url` may be
  // empty: see Service.
  static Result<std::unique_ptr<OcrServer>> Start(OcrServerConfig config, FetchUrl fetch_url);
  // Cancels what still runs.
  ~OcrServer();
  OcrServer(const OcrServer&) = delete;
  OcrServer& operator=(const OcrServer&) = delete;

  Service& service() { return service_; }
  // Begins with stored jobs; to be called once, when the models can answer.
  void StartJobs() { job_runner_->Start(); }
  // Of the listeners, in their order.
  std::vector<uint16_t> ports() const { return http_->ports(); }
  // Only with gRPC.
  uint16_t grpc_port() const { return grpc_->port(); }

  // Refuses new work and waits for what was admitted, also for its answers to be sent. False: the
  // time was not enough.
  bool Drain(std::chrono::milliseconds timeout);

 private:
  OcrServer(OcrServerConfig config, FetchUrl fetch_url);
  Status StartGrpc(const GrpcListener& listener, const HttpServerConfig& http,
                   const SystemOptions& system);

  Status OpenStore(const PersistentStore::Options& options, JobRunnerOptions runner);
  Status AddGraphQl(const SystemOptions& system);

  using BeginSpan = void (*)(Tracer& tracer, HttpRequest& request, const Route& route);
  Admission Admit(BeginSpan begin_span, HttpRequest& request, const Router::Match& match);

  std::unique_ptr<Tracer> tracer_;  // first: what is traced below ends before it; null: nothing is
  ServerMetrics metrics_;
  std::unique_ptr<PersistentStore> store_;
  std::optional<UsageListener> usage_;
  Service service_;
  AdmissionControl admission_;
  Router router_;
  std::unique_ptr<JobRunner> job_runner_;
  std::unique_ptr<JobWatcher> job_watcher_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> grpc_;  // null: switched off
};

}  // namespace mao

#endif  // MAOOCR_SERVE_OCR_SERVER_H_
