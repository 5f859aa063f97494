#include "serve/rest/routes.h"

#include <utility>

#include "serve/api/json.h"
#include "serve/http/respond.h"
#include "serve/rest/mistral.h"
#include "serve/rest/ocr_route.h"
#include "serve/rest/ollama_answer.h"
#include "serve/rest/ollama_models.h"
#include "serve/rest/ollama_request.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<Exchange>;

// A body of JSON, and the model that it names.
struct OllamaBody {
  nlohmann::json json;
  ServedModel model;
  std::string model_name;  // as the client calls it
};

Result<OllamaBody> ReadBody(const Service& service, const HttpRequest& http) {
  OllamaBody body;
  std::string engine;
  MAO_ASSIGN_OR_RETURN(body.json, ParseJson(http.body));
  JsonFields fields(body.json);
  fields.Read("name", body.model_name)
      .Read("model", body.model_name)
      .Read("inference_engine", engine);
  MAO_RETURN_IF_ERROR(fields.status());
  MAO_ASSIGN_OR_RETURN(body.model, FindOllamaModel(service, body.model_name, engine));
  if (body.model_name.empty()) body.model_name = body.model.name;
  return body;
}

Status Generate(Service& service, bool is_chat, const ExchangePtr& exchange) {
  const HttpRequest& http = exchange->request();
  MAO_ASSIGN_OR_RETURN(const OllamaBody body, ReadBody(service, http));
  const Engine* const engine = body.model.backend->engine();
  MAO_ASSIGN_OR_RETURN(OllamaRequest request,
                       ParseOllamaRequest(body.json, http.body, is_chat,
                                          engine == nullptr ? nullptr : &engine->model_info()));
  const auto answer =
      std::make_shared<OllamaAnswer>(exchange, body.model_name, is_chat, request.stream);
  if (request.is_load) {
    answer->SendLoaded();
    return OkStatus();
  }
  GenerationRequest& generation = request.generation;
  const std::string operation = std::move(generation.context.operation);
  generation.context = http.context;
  generation.context.operation = operation;
  generation.model = body.model.name;
  generation.engine = body.model.backend->engine_name();
  generation.use_result_cache = !BypassesCache(http);
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<Call> call,
                       service.Submit(std::move(generation), answer));
  exchange->OnDisconnect([call] { call->Cancel(); });
  return OkStatus();
}

Status Show(const Service& service, const ExchangePtr& exchange) {
  MAO_ASSIGN_OR_RETURN(const OllamaBody body, ReadBody(service, exchange->request()));
  exchange->Send(JsonResponse(200, DumpJson(OllamaShow(body.model))));
  return OkStatus();
}

}  // namespace

void AddRestRoutes(Service& service, const RestOptions& options, Router& router) {
  const auto add = [&](const char* method, const char* pattern, Handler handler) {
    Route route;
    route.interface = Interface::kRest;
    route.method = method;
    route.pattern = pattern;
    route.handler = std::move(handler);
    router.Add(std::move(route));
  };
  const auto add_ollama = [&](const char* pattern, auto function) {
    add("POST", pattern, [function](const ExchangePtr& exchange) {
      if (const Status status = function(exchange); !status.ok()) {
        exchange->Send(OllamaError(status));
      }
    });
  };
  add("POST", "/api/ocr",
      [&service](const ExchangePtr& exchange) { AnswerOcr(service, exchange); });
  add("POST", "/v1/ocr", [&service, fetch_url = options.fetch_url](const ExchangePtr& exchange) {
    AnswerMistral(service, fetch_url, exchange);
  });
  add_ollama("/api/generate", [&service](const ExchangePtr& exchange) {
    return Generate(service, false, exchange);
  });
  add_ollama("/api/chat",
             [&service](const ExchangePtr& exchange) { return Generate(service, true, exchange); });
  add_ollama("/api/show",
             [&service](const ExchangePtr& exchange) { return Show(service, exchange); });
  add("GET", "/api/tags", [&service](const ExchangePtr& exchange) {
    exchange->Send(JsonResponse(200, DumpJson(OllamaTags(service))));
  });
  add("GET", "/api/ps", [&service](const ExchangePtr& exchange) {
    exchange->Send(JsonResponse(200, DumpJson(OllamaRunning(service))));
  });
  add("GET", "/api/version",
      [body = DumpJson(Json{{"version", options.version}})](const ExchangePtr& exchange) {
        exchange->Send(JsonResponse(200, body));
      });
}

}  // namespace mao
