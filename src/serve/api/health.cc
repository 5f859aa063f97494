#include "serve/api/health.h"

#include <vector>

#include <fmt/core.h>

namespace mao {

ServiceHealth CheckHealth(const Service& service) {
  const std::vector<ServedModel> models = service.models();
  if (models.empty()) return {"unhealthy", false, "", "no model is configured"};
  const ServedModel& model = models.front();
  if (model.state == ModelState::kLoading) {
    return {"starting", false, "", fmt::format("model '{}' is being loaded", model.name)};
  }
  if (model.state == ModelState::kFailed) {
    return {"unhealthy", false, "", model.failure.message()};
  }
  const std::string engine(model.backend->engine_name());
  if (const Status status = model.backend->health(); !status.ok()) {
    return {"unhealthy", true, engine, status.message()};
  }
  return {"healthy", true, engine, ""};
}

std::string NotReadyReason(const Service& service, std::chrono::milliseconds stall_limit) {
  if (const auto stalled = service.stalled_for(); stalled > stall_limit) {
    return fmt::format("nothing has moved for {} s though there is work",
                       std::chrono::duration_cast<std::chrono::seconds>(stalled).count());
  }
  if (service.is_draining()) return "the server is shutting down";
  return CheckHealth(service).reason;
}

}  // namespace mao
