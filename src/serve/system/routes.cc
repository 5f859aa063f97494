#include "serve/system/routes.h"

#include <memory>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

struct Health {
  const char* status;  // healthy, starting, unhealthy
  bool model_loaded;
  std::string engine;
  std::string reason;  // when not healthy
};

// The default model decides.
Health CheckHealth(const Service& service) {
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

HttpResponse HealthResponse(const Service& service) {
  const Health health = CheckHealth(service);
  Json body = {{"status", health.status}, {"model_loaded", health.model_loaded}};
  body["inference_engine"] = health.engine.empty() ? Json() : Json(health.engine);
  if (!health.reason.empty()) body["reason"] = health.reason;
  return JsonResponse(health.reason.empty() ? 200 : 503, DumpJson(body));
}

HttpResponse ReadyResponse(const Service& service, std::chrono::milliseconds stall_limit) {
  std::string reason = CheckHealth(service).reason;
  if (service.is_draining()) reason = "the server is shutting down";
  if (const auto stalled = service.stalled_for(); stalled > stall_limit) {
    reason = fmt::format("nothing has moved for {} s though there is work",
                         std::chrono::duration_cast<std::chrono::seconds>(stalled).count());
  }
  if (reason.empty()) return JsonResponse(200, R"({"status":"ready"})");
  return JsonResponse(503, DumpJson(Json{{"status", "not ready"}, {"reason", reason}}));
}

}  // namespace

void AddSystemRoutes(const Service& service, ServerMetrics& metrics, const SystemOptions& options,
                     Router& router) {
  const auto add = [&](std::initializer_list<const char*> patterns, auto respond) {
    for (const char* pattern : patterns) {
      Route route;
      route.method = "GET";
      route.pattern = pattern;
      route.needs_key = false;
      route.is_inline = true;  // answers also when all handlers are busy
      route.handler = [respond](const std::shared_ptr<Exchange>& exchange) {
        exchange->Send(respond());
      };
      router.Add(std::move(route));
    }
  };
  add({"/health"}, [&service] { return HealthResponse(service); });
  add({"/livez", "/health/live", "/ping"},
      [] { return JsonResponse(200, R"({"status":"alive"})"); });
  add({"/readyz", "/health/ready"},
      [&service, limit = options.stall_limit] { return ReadyResponse(service, limit); });
  add({"/version"}, [body = DumpJson(Json{{"name", "maoocr"}, {"version", options.version}})] {
    return JsonResponse(200, body);
  });
  add({"/metrics"}, [&metrics] {
    return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render(), {}};
  });
}

}  // namespace mao
