#include "serve/ocr_server.h"

#include <thread>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/openai/routes.h"
#include "serve/rest/routes.h"

namespace mao {

OcrServer::OcrServer(OcrServerConfig config, FetchUrl fetch_url)
    : service_(config.service, std::move(fetch_url)), admission_(std::move(config.admission)) {}

Result<std::unique_ptr<OcrServer>> OcrServer::Start(OcrServerConfig config, FetchUrl fetch_url) {
  const HttpServerConfig http = config.http;
  const SystemOptions system = config.system;
  const RestOptions rest = {system.version, fetch_url};
  std::unique_ptr<OcrServer> server(new OcrServer(std::move(config), std::move(fetch_url)));
  OcrServer* const self = server.get();
  self->metrics_.SetService(&self->service_);
  self->service_.AddListener(&self->metrics_);
  AddSystemRoutes(self->service_, self->metrics_, system, self->router_);
  AddOpenAiRoutes(self->service_, self->router_);
  AddRestRoutes(self->service_, rest, self->router_);
  MAO_ASSIGN_OR_RETURN(
      self->http_,
      HttpServer::Start(
          http, self->router_,
          [self](HttpRequest& request, const Router::Match& match) {
            return self->admission_.Admit(request, match);
          },
          [self](const HttpExchangeRecord& record) {
            self->metrics_.OnHttpExchange(record);
            LogInfo(fmt::format("{} {} {} {:.1f} ms {} bytes, request {}", record.request.method,
                                record.request.path, record.status, record.ms,
                                record.response_bytes, record.request.context.request_id));
          }));
  return server;
}

// The calls end before the connections, which their observers write to.
OcrServer::~OcrServer() { service_.Stop(); }

bool OcrServer::Drain(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kInterval{20};
  const auto end = std::chrono::steady_clock::now() + timeout;
  service_.Drain();
  http_->Drain();
  if (!service_.WaitUntilIdle(timeout)) return false;
  while (http_->num_connections() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kInterval);
  }
  return http_->num_connections() == 0;
}

}  // namespace mao
