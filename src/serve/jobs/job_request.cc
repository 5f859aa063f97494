#include "serve/jobs/job_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"

namespace mao {
namespace {

constexpr std::array<std::string_view, 5> kPaths = {"/api/ocr", "/api/generate", "/v1/ocr",
                                                    "/v1/chat/completions", "/v1/completions"};

}  // namespace

bool IsBackgroundPath(std::string_view path) {
  return std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end();
}

std::string EncodeJobRequest(const HttpRequest& request) {
  const nlohmann::ordered_json json = {{"path", request.path},
                                       {"query", request.query},
                                       {"content_type", request.Header("Content-Type")},
                                       {"cache_control", request.Header("Cache-Control")},
                                       {"traceparent", request.context.traceparent},
                                       {"tracestate", request.context.tracestate}};
  return DumpJson(json);
}

Result<HttpRequest> DecodeJobRequest(std::string_view text, std::string body) {
  MAO_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text));
  HttpRequest request;
  request.method = "POST";
  std::string content_type;
  std::string cache_control;
  JsonFields fields(json);
  fields.Read("path", request.path)
      .Read("query", request.query)
      .Read("content_type", content_type)
      .Read("cache_control", cache_control)
      .Read("traceparent", request.context.traceparent)
      .Read("tracestate", request.context.tracestate);
  MAO_RETURN_IF_ERROR(fields.status());
  request.target = request.path;
  request.headers = {{"Content-Type", content_type}, {"Cache-Control", cache_control}};
  request.body = std::move(body);
  return request;
}

Result<BatchLineRequest> ParseBatchLine(std::string_view line) {
  MAO_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(line));
  BatchLineRequest parsed;
  HttpRequest& request = parsed.request;
  JsonFields fields(json);
  fields.Read("custom_id", parsed.custom_id)
      .Read("method", request.method)
      .Read("url", request.path);
  MAO_RETURN_IF_ERROR(fields.status());
  if (parsed.custom_id.empty()) return InvalidArgumentError("the line has no custom_id");
  if (request.method != "POST") return InvalidArgumentError("method: expected POST");
  const auto body = json.find("body");
  if (body == json.end() || !body->is_object()) {
    return InvalidArgumentError("body: expected an object");
  }
  if (body->value("stream", nlohmann::json()) == true) {
    return InvalidArgumentError("body.stream: a batch keeps whole answers");
  }
  request.target = request.path;
  request.headers = {{"Content-Type", "application/json"}};
  constexpr std::string_view kPath[] = {"body"};
  MAO_ASSIGN_OR_RETURN(request.body, JsonTextAt(line, kPath));
  return parsed;
}

std::string ErrorMessageOf(const HttpResponse& response) {
  const Result<nlohmann::json> body = ParseJson(response.body);
  const nlohmann::json* error = body.ok() && body->contains("error") ? &(*body)["error"] : nullptr;
  if (error != nullptr && error->contains("message") && (*error)["message"].is_string()) {
    return (*error)["message"].get<std::string>();
  }
  return error != nullptr && error->is_string() ? error->get<std::string>() : response.body;
}

}  // namespace mao
