#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/respond.h"
#include "serve/jobs/job_request.h"
#include "serve/jobs/route_table.h"
#include "serve/jobs/routes.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<Exchange>;

Json ParsedOrNull(const std::string& text) {
  return text.empty() ? Json() : Json::parse(text, nullptr, false);
}

Json NullIfEmpty(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json DescribeBatch(const StoredBatch& batch) {
  return {{"id", batch.id},
          {"object", "batch"},
          {"endpoint", batch.endpoint},
          {"errors", ParsedOrNull(batch.errors)},
          {"input_file_id", batch.input_file_id},
          {"completion_window", batch.completion_window},
          {"status", BatchStatusName(batch.status)},
          {"output_file_id", NullIfEmpty(batch.output_file_id)},
          {"error_file_id", NullIfEmpty(batch.error_file_id)},
          {"created_at", UnixSeconds(batch.created_ms)},
          {"in_progress_at", UnixSeconds(batch.in_progress_ms)},
          {"expires_at", UnixSeconds(batch.expires_ms)},
          {"finalizing_at", UnixSeconds(batch.finalizing_ms)},
          {"completed_at", UnixSeconds(batch.completed_ms)},
          {"failed_at", UnixSeconds(batch.failed_ms)},
          {"expired_at", UnixSeconds(batch.expired_ms)},
          {"cancelling_at", UnixSeconds(batch.cancelling_ms)},
          {"cancelled_at", UnixSeconds(batch.cancelled_ms)},
          {"request_counts",
           {{"total", batch.num_total},
            {"completed", batch.num_completed},
            {"failed", batch.num_failed}}},
          {"metadata", ParsedOrNull(batch.metadata)}};
}

// "24h", "7d", "90m"; OpenAI knows the first alone.
Result<int64_t> ParseWindow(const std::string& text) {
  constexpr int64_t kMsPerMinute = 60'000;
  constexpr int64_t kMaxDays = 30;
  const size_t digits = text.find_first_not_of("0123456789");
  const bool is_number =
      digits != std::string::npos && digits > 0 && digits <= 4 && digits + 1 == text.size();
  int64_t minutes = 0;
  if (is_number && text.back() == 'm') minutes = std::stoll(text);
  if (is_number && text.back() == 'h') minutes = std::stoll(text) * 60;
  if (is_number && text.back() == 'd') minutes = std::stoll(text) * 24 * 60;
  if (minutes < 1 || minutes > kMaxDays * 24 * 60) {
    return InvalidArgumentError(
        fmt::format("completion_window: expected something like 24h, up to {}d", kMaxDays));
  }
  return minutes * kMsPerMinute;
}

Status CreateBatch(PersistentStore& store, JobRunner& runner, const ExchangePtr& exchange) {
  MAO_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(exchange->request().body));
  NewBatch batch;
  batch.owner = exchange->request().context.key_id;
  batch.completion_window = "24h";
  JsonFields fields(json);
  fields.Read("input_file_id", batch.input_file_id)
      .Read("endpoint", batch.endpoint)
      .Read("completion_window", batch.completion_window);
  MAO_RETURN_IF_ERROR(fields.status());
  if (!IsBackgroundPath(batch.endpoint)) {
    return InvalidArgumentError(fmt::format(
        "endpoint: '{}' cannot run in the background; /v1/chat/completions can", batch.endpoint));
  }
  MAO_ASSIGN_OR_RETURN(batch.window_ms, ParseWindow(batch.completion_window));
  if (const nlohmann::json* metadata = fields.Find("metadata"); metadata != nullptr) {
    if (!metadata->is_object()) return InvalidArgumentError("metadata: expected an object");
    batch.metadata = DumpJson(*metadata);
  }
  MAO_ASSIGN_OR_RETURN(const StoredBatch created, store.batches().Create(batch));
  runner.WakeUp();
  exchange->Send(JsonResponse(200, DumpJson(DescribeBatch(created))));
  return OkStatus();
}

Status ListBatches(PersistentStore& store, const ExchangePtr& exchange) {
  constexpr size_t kDefaultLimit = 20;
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(const size_t limit, PageLimit(request, kDefaultLimit));
  MAO_ASSIGN_OR_RETURN(const BatchPage page,
                       store.batches().List(request.context.key_id,
                                            request.QueryParameter("after").value_or(""), limit));
  Json data = Json::array();
  for (const StoredBatch& batch : page.batches) data.push_back(DescribeBatch(batch));
  Json json = {{"object", "list"}, {"data", data}, {"has_more", page.has_more}};
  json["first_id"] = page.batches.empty() ? Json() : Json(page.batches.front().id);
  json["last_id"] = page.batches.empty() ? Json() : Json(page.batches.back().id);
  exchange->Send(JsonResponse(200, DumpJson(json)));
  return OkStatus();
}

Status GetBatch(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(
      const StoredBatch batch,
      store.batches().Get(request.context.key_id, request.path_parameters.at("id")));
  exchange->Send(JsonResponse(200, DumpJson(DescribeBatch(batch))));
  return OkStatus();
}

// Lines that run are finished; those that wait are not begun.
Status CancelBatch(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(
      const StoredBatch batch,
      store.batches().Cancel(request.context.key_id, request.path_parameters.at("id")));
  exchange->Send(JsonResponse(200, DumpJson(DescribeBatch(batch))));
  return OkStatus();
}

}  // namespace

void AddBatchRoutes(PersistentStore& store, JobRunner& runner, Router& router) {
  // What a new batch may not find is its file.
  const RouteTable created(Interface::kOpenAi, kFileNotFound, router);
  created.Add("POST", "/v1/batches",
              [&](const ExchangePtr& exchange) { return CreateBatch(store, runner, exchange); });
  const RouteTable openai(Interface::kOpenAi, "batch_not_found", router);
  openai.Add("GET", "/v1/batches",
             [&](const ExchangePtr& exchange) { return ListBatches(store, exchange); });
  openai.Add("GET", "/v1/batches/{id}",
             [&](const ExchangePtr& exchange) { return GetBatch(store, exchange); });
  openai.Add("POST", "/v1/batches/{id}/cancel",
             [&](const ExchangePtr& exchange) { return CancelBatch(store, exchange); });
}

}  // namespace mao
