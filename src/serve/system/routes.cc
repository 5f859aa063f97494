#include "serve/system/routes.h"

#include <memory>
#include <utility>

#include "serve/api/health.h"
#include "serve/api/json.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

HttpResponse HealthResponse(const Service& service) {
  const ServiceHealth health = CheckHealth(service);
  Json body = {{"status", health.status}, {"model_loaded", health.model_loaded}};
  body["inference_engine"] = health.engine.empty() ? Json() : Json(health.engine);
  if (!health.reason.empty()) body["reason"] = health.reason;
  return JsonResponse(health.reason.empty() ? 200 : 503, DumpJson(body));
}

HttpResponse ReadyResponse(const Service& service, std::chrono::milliseconds stall_limit) {
  const std::string reason = NotReadyReason(service, stall_limit);
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
