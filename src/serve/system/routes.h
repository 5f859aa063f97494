// What operators ask: /health, /livez, /readyz, /version, /metrics.
#ifndef MAOOCR_SERVE_SYSTEM_ROUTES_H_
#define MAOOCR_SERVE_SYSTEM_ROUTES_H_

#include <chrono>
#include <string>

#include "serve/api/service.h"
#include "serve/http/router.h"
#include "serve/metrics/server_metrics.h"

namespace mao {

struct SystemOptions {
  std::string version;
  // Without progress for so long, though there is work, the server is not ready.
  std::chrono::milliseconds stall_limit{120'000};
};

// None of them wants a key or enqueues work. Service and metrics outlive the router.
void AddSystemRoutes(const Service& service, ServerMetrics& metrics, const SystemOptions& options,
                     Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_SYSTEM_ROUTES_H_
