#include "serve/graphql/http.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/media_type.h"

namespace mao::graphql {
namespace {

HttpReply MakeReply(int status, const Json& body, MediaType media) {
  return {status, fmt::format("{}; charset=utf-8", MediaTypeName(media)), "", DumpJson(body)};
}

HttpReply Refuse(int status, std::string message, MediaType media) {
  return MakeReply(status, ErrorResponse({{std::move(message), {}, {}, std::string(kBadRequest)}}),
                   media);
}

HttpReply RefuseMethod(std::string allow, std::string message, MediaType media) {
  HttpReply reply = Refuse(405, std::move(message), media);
  reply.allow = std::move(allow);
  return reply;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// application/x-www-form-urlencoded, as URLSearchParams reads it: a % that begins no escape stays.
std::string DecodeForm(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                           HexDigit(text[i + 2]) >= 0;
    if (is_escape) {
      decoded += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

// The first parameter of that name, decoded.
std::optional<std::string> FindParameter(std::string_view query_string, std::string_view name) {
  while (!query_string.empty()) {
    const size_t end = std::min(query_string.find('&'), query_string.size());
    const std::string_view pair = query_string.substr(0, end);
    query_string.remove_prefix(std::min(end + 1, query_string.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (DecodeForm(pair.substr(0, equals)) != name) continue;
    return DecodeForm(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

Result<Request> ReadGet(std::string_view query_string, const Limits& limits) {
  Json json = Json::object();
  for (const char* name : {"query", "operationName"}) {
    if (auto value = FindParameter(query_string, name)) json[name] = *std::move(value);
  }
  for (const char* name : {"variables", "extensions"}) {
    const auto value = FindParameter(query_string, name);
    if (!value || value->empty()) continue;
    MAO_ASSIGN_OR_RETURN(json[name], ParseJson(*value, limits, name));
  }
  return RequestFromJson(std::move(json));
}

Result<Request> ReadPost(std::string_view body, const Limits& limits) {
  MAO_ASSIGN_OR_RETURN(Json json, ParseJson(body, limits, "the request's body"));
  return RequestFromJson(std::move(json));
}

}  // namespace

std::variant<HttpOperation, HttpReply> ReadHttpRequest(const HttpRequest& request,
                                                       const Limits& limits) {
  const std::optional<MediaType> media = NegotiateMediaType(request.accept);
  if (!media) {
    return Refuse(406, "the response can be application/graphql-response+json or application/json",
                  MediaType::kJson);
  }
  const bool is_get = request.method == "GET";
  if (!is_get && request.method != "POST") {
    return RefuseMethod("GET, POST", "GraphQL takes GET and POST", *media);
  }
  if (!is_get && !IsJsonContent(request.content_type)) {
    return Refuse(415, "the request's body must be application/json in UTF-8", *media);
  }
  Result<Request> read =
      is_get ? ReadGet(request.query_string, limits) : ReadPost(request.body, limits);
  if (!read.ok()) return Refuse(400, read.status().message(), *media);
  return HttpOperation{*std::move(read), *media, is_get};
}

std::optional<HttpReply> RefuseOperation(const HttpOperation& operation,
                                         const PreparedRequest& prepared) {
  if (!prepared.ok()) return std::nullopt;
  if (prepared.operation_type() == OperationType::kSubscription) {
    return Refuse(400, "subscriptions need WebSocket (graphql-transport-ws)", operation.media);
  }
  if (operation.is_get && prepared.operation_type() == OperationType::kMutation) {
    return RefuseMethod("POST", "mutations need POST", operation.media);
  }
  return std::nullopt;
}

HttpReply WriteHttpReply(const Json& response, MediaType media) {
  const bool has_data = response.contains("data");
  return MakeReply(has_data || media == MediaType::kJson ? 200 : 400, response, media);
}

void ServeHttp(const Executor& executor, const HttpRequest& request,
               std::shared_ptr<RequestContext> context, std::function<void(HttpReply)> reply) {
  auto read = ReadHttpRequest(request, executor.limits());
  if (auto* const refusal = std::get_if<HttpReply>(&read)) return reply(std::move(*refusal));
  const HttpOperation& operation = std::get<HttpOperation>(read);
  const PreparedRequest prepared = executor.Prepare(operation.request);
  if (auto refusal = RefuseOperation(operation, prepared)) return reply(*std::move(refusal));
  executor.Execute(prepared, std::move(context),
                   [media = operation.media, reply = std::move(reply)](const Json& response) {
                     reply(WriteHttpReply(response, media));
                   });
}

}  // namespace mao::graphql
