#include "serve/api/json.h"
#include "serve/http/respond.h"
#include "serve/jobs/route_table.h"
#include "serve/jobs/routes.h"
#include "serve/jobs/usage_report.h"

namespace mao {
namespace {

using ExchangePtr = std::shared_ptr<Exchange>;

// GET /api/stats?group=day&days=30. With API keys everyone sees what the own key used.
Status GetStats(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(const int64_t days, NumberParameter(request, "days", kDefaultUsageDays));
  MAO_ASSIGN_OR_RETURN(const nlohmann::ordered_json report,
                       UsageReport(store.usage(), request.context.key_id,
                                   request.QueryParameter("group").value_or("day"), days));
  exchange->Send(JsonResponse(200, DumpJson(report)));
  return OkStatus();
}

}  // namespace

void AddStatsRoutes(PersistentStore& store, Router& router) {
  const RouteTable rest(Interface::kRest, "not_found", router);
  rest.Add("GET", "/api/stats",
           [&](const ExchangePtr& exchange) { return GetStats(store, exchange); });
}

}  // namespace mao
