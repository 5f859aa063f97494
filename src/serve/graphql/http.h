// GraphQL over HTTP (the GraphQL Foundation's draft of that name) as functions of a request's parts:
// no sockets here.
//
// application/json keeps its old meaning, 200 for every GraphQL response;
// application/graphql-response+json says by the status whether there is data. A client that accepts
// anything, or says nothing, gets application/json.
#ifndef MAOOCR_SERVE_GRAPHQL_HTTP_H_
#define MAOOCR_SERVE_GRAPHQL_HTTP_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "serve/graphql/executor.h"
#include "serve/graphql/json.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/request.h"

namespace mao::graphql {

// Headers that are absent are empty.
struct HttpRequest {
  std::string_view method;
  std::string_view content_type;
  std::string_view accept;
  std::string_view query_string;  // what stands behind the ?, not decoded
  std::string_view body;
};

struct HttpReply {
  int status = 200;
  std::string content_type;
  std::string allow;  // the header Allow of a 405, else empty
  std::string body;
};

enum class MediaType { kJson, kGraphQlResponse };

struct HttpOperation {
  Request request;
  MediaType media = MediaType::kJson;
  bool is_get = false;
};

// What the client asks for, or why that cannot be said: 400 not a GraphQL request, 405 neither GET
// nor POST, 406 no media type that we have, 415 a body that is not application/json in UTF-8.
std::variant<HttpOperation, HttpReply> ReadHttpRequest(const HttpRequest& request,
                                                       const Limits& limits);

// A refusal if HTTP does not carry this kind of operation: 405 for a mutation by GET, 400 for a
// subscription.
std::optional<HttpReply> RefuseOperation(const HttpOperation& operation,
                                         const PreparedRequest& prepared);

// The reply that carries a response of Executor::Execute.
HttpReply WriteHttpReply(const Json& response, MediaType media);

// All of the above: one request to its reply, which comes when Executor::Execute is done.
void ServeHttp(const Executor& executor, const HttpRequest& request,
               std::shared_ptr<RequestContext> context, std::function<void(HttpReply)> reply);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_HTTP_H_
