// What the server counts, as Prometheus reads it (text format 0.0.4).
#ifndef MAOOCR_SERVE_METRICS_SERVER_METRICS_H_
#define MAOOCR_SERVE_METRICS_SERVER_METRICS_H_

#include <map>
#include <memory>
#include <string>

#include "serve/api/service.h"
#include "serve/http/server.h"

namespace mao {

// Engine metrics carry vLLM's names and labels, so that its dashboards and scaling rules work; what
// vLLM does not have is called maoocr_*. Thread-safe.
class ServerMetrics final : public CallListener {
 public:
  ServerMetrics();
  ~ServerMetrics() override;

  // Gauges are read from it when Render is called; it must outlive the last call.
  void SetService(const Service* service);
  // Likewise; null: there are no traces.
  void SetTracer(const Tracer* tracer) { tracer_ = tracer; }

  void OnCallDone(const CallRecord& record) override;
  void OnHttpExchange(const HttpExchangeRecord& record);

  std::string Render();

 private:
  class Registry;
  void SetEngineGauges(const EngineStats& stats, const std::map<std::string, std::string>& labels);

  std::unique_ptr<Registry> registry_;
  const Service* service_ = nullptr;
  const Tracer* tracer_ = nullptr;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_METRICS_SERVER_METRICS_H_
