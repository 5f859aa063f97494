// Whether the server can answer, as every interface says it.
#ifndef MAOOCR_SERVE_API_HEALTH_H_
#define MAOOCR_SERVE_API_HEALTH_H_

#include <chrono>
#include <string>
#include <string_view>

#include "serve/api/service.h"

namespace mao {

struct ServiceHealth {
  std::string_view status;  // "healthy", "starting", "unhealthy"
  bool model_loaded = false;
  std::string engine;  // of the default model, once it is loaded
  std::string reason;  // when not healthy
};

// The default model decides. Asks no model and enqueues nothing.
ServiceHealth CheckHealth(const Service& service);

// Why the server should get no new requests; empty: it is ready. Beyond CheckHealth, a server that
// shuts down is not ready, nor is one where nothing has moved for longer than `stall_limit` though
// there is work.
std::string NotReadyReason(const Service& service, std::chrono::milliseconds stall_limit);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_HEALTH_H_
