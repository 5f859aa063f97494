#include "serve/openai/routes.h"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/respond.h"
#include "serve/openai/completion_answer.h"
#include "serve/openai/completion_request.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<Exchange>;

// A body of JSON, and the model that it names.
struct JsonRequest {
  nlohmann::json body;
  ServedModel model;
};

Result<JsonRequest> ReadRequest(const Service& service, const HttpRequest& request) {
  JsonRequest read;
  MAO_ASSIGN_OR_RETURN(read.body, ParseJson(request.body));
  std::string model;
  std::string engine;
  JsonFields fields(read.body);
  fields.Read("model", model).Read("inference_engine", engine);
  MAO_RETURN_IF_ERROR(fields.status());
  MAO_ASSIGN_OR_RETURN(read.model, service.FindModel(model, engine));
  return read;
}

// A model of this process, for what needs its tokenizer.
Result<JsonRequest> ReadLocalRequest(const Service& service, const HttpRequest& request) {
  MAO_ASSIGN_OR_RETURN(JsonRequest read, ReadRequest(service, request));
  if (read.model.backend->engine() == nullptr) {
    return UnimplementedError(fmt::format(
        "model '{}' is computed elsewhere; its tokenizer is not here", read.model.name));
  }
  return read;
}

using ParseCompletion = Result<CompletionRequest> (*)(std::string_view, const nlohmann::json&,
                                                      const ModelInfo*);

Status Complete(Service& service, ParseCompletion parse, const ExchangePtr& exchange) {
  const HttpRequest& http = exchange->request();
  MAO_ASSIGN_OR_RETURN(const JsonRequest read, ReadRequest(service, http));
  const Engine* engine = read.model.backend->engine();
  const ModelInfo* info = engine == nullptr ? nullptr : &engine->model_info();
  MAO_ASSIGN_OR_RETURN(CompletionRequest request, parse(http.body, read.body, info));
  for (GenerationRequest& choice : request.choices) {
    const std::string operation = std::move(choice.context.operation);
    choice.context = http.context;
    choice.context.operation = operation;
    choice.use_result_cache = !BypassesCache(http);
  }
  const auto answer = std::make_shared<CompletionAnswer>(exchange, std::move(request),
                                                         read.model.backend, read.model.name);
  answer->Start(service);
  return OkStatus();
}

int64_t Seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json DescribeModel(const ServedModel& model) {
  Json json = {{"id", model.name},
               {"object", "model"},
               {"created", Seconds(model.created)},
               {"owned_by", "maoocr"},
               {"status", ModelStateName(model.state)}};
  if (model.backend != nullptr && model.backend->engine() != nullptr) {
    json["max_model_len"] = model.backend->engine()->config().max_model_len;
  }
  return json;
}

Status ListModels(const Service& service, const ExchangePtr& exchange) {
  Json data = Json::array();
  for (const ServedModel& model : service.models()) data.push_back(DescribeModel(model));
  exchange->Send(JsonResponse(200, DumpJson(Json{{"object", "list"}, {"data", data}})));
  return OkStatus();
}

Status GetModel(const Service& service, const ExchangePtr& exchange) {
  const std::string& name = exchange->request().path_parameters.at("model");
  for (const ServedModel& model : service.models()) {
    if (model.name != name) continue;
    exchange->Send(JsonResponse(200, DumpJson(DescribeModel(model))));
    return OkStatus();
  }
  return NotFoundError(fmt::format("no model '{}'", name));
}

Status Tokenize(const Service& service, const ExchangePtr& exchange) {
  MAO_ASSIGN_OR_RETURN(const JsonRequest read, ReadLocalRequest(service, exchange->request()));
  std::string prompt;
  EncodeOptions options = {true, true};
  JsonFields fields(read.body);
  fields.Read("prompt", prompt).Read("add_special_tokens", options.add_special_tokens);
  MAO_RETURN_IF_ERROR(fields.status());
  const Engine& engine = *read.model.backend->engine();
  MAO_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, engine.tokenizer().Encode(prompt, options));
  exchange->Send(JsonResponse(200, DumpJson(Json{{"count", ids.size()},
                                                 {"max_model_len", engine.config().max_model_len},
                                                 {"tokens", ids}})));
  return OkStatus();
}

Status Detokenize(const Service& service, const ExchangePtr& exchange) {
  MAO_ASSIGN_OR_RETURN(const JsonRequest read, ReadLocalRequest(service, exchange->request()));
  std::vector<int> tokens;
  JsonFields fields(read.body);
  fields.Read("tokens", tokens);
  MAO_RETURN_IF_ERROR(fields.status());
  const std::string text = read.model.backend->engine()->tokenizer().Decode(tokens, false);
  exchange->Send(JsonResponse(200, DumpJson(Json{{"prompt", text}})));
  return OkStatus();
}

}  // namespace

void AddOpenAiRoutes(Service& service, Router& router) {
  const auto add = [&](const char* method, const char* pattern, auto function) {
    Route route;
    route.interface = Interface::kOpenAi;
    route.method = method;
    route.pattern = pattern;
    route.handler = [function](const ExchangePtr& exchange) {
      if (const Status status = function(exchange); !status.ok()) {
        exchange->Send(OpenAiError(status));
      }
    };
    router.Add(std::move(route));
  };
  add("POST", "/v1/chat/completions", [&service](const ExchangePtr& exchange) {
    return Complete(service, ParseChatRequest, exchange);
  });
  add("POST", "/v1/completions", [&service](const ExchangePtr& exchange) {
    return Complete(service, ParseCompletionRequest, exchange);
  });
  add("GET", "/v1/models",
      [&service](const ExchangePtr& exchange) { return ListModels(service, exchange); });
  // Names may hold a slash (deepseek-ai/DeepSeek-OCR).
  add("GET", "/v1/models/{model...}",
      [&service](const ExchangePtr& exchange) { return GetModel(service, exchange); });
  add("POST", "/tokenize",
      [&service](const ExchangePtr& exchange) { return Tokenize(service, exchange); });
  add("POST", "/detokenize",
      [&service](const ExchangePtr& exchange) { return Detokenize(service, exchange); });
}

}  // namespace mao
