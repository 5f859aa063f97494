#include "serve/graphql_api/routes.h"

#include <string>
#include <utility>

#include "serve/api/error.h"
#include "serve/graphql/http.h"
#include "serve/graphql/ws_session.h"
#include "serve/graphql_api/request_context.h"
#include "serve/graphql_api/schema_sdl.h"
#include "serve/http/respond.h"
#include "serve/jobs/route_table.h"
#include "serve/ws/web_socket_upgrade.h"

namespace mao {
namespace {

constexpr const char* kPath = "/graphql";

// One request counts once against a client's rate, so it must not stand for many.
constexpr size_t kMaxMutations = 4;

// Models are looked up by what asks them, all else is about jobs.
graphql::ErrorCode DescribeFailure(const Status& status, std::string_view field_name) {
  const bool asks_model = field_name == "ocr" || field_name == "generate";
  const ApiError error = ToApiError(status, asks_model ? kModelNotFound : kJobNotFound);
  return {std::string(error.code), error.http_status};
}

void Answer(const graphql::Executor& executor, const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& http = exchange->request();
  const auto request = std::make_shared<ServiceRequest>(http.context, !BypassesCache(http));
  exchange->OnDisconnect([request] { request->Cancel(); });
  const std::string_view method = http.method == "HEAD" ? "GET" : std::string_view(http.method);
  graphql::ServeHttp(
      executor, {method, http.Header("Content-Type"), http.Header("Accept"), http.query, http.body},
      request, [exchange](graphql::HttpReply reply) {
        HttpResponse response = {
            reply.status, std::move(reply.content_type), std::move(reply.body), {}};
        if (!reply.allow.empty()) response.headers.emplace_back("Allow", std::move(reply.allow));
        exchange->Send(std::move(response));
      });
}

}  // namespace

Result<std::shared_ptr<const graphql::Executor>> BindGraphQl(graphql::Resolvers resolvers) {
  auto schema = graphql::Schema::FromSdl(kGraphQlSchema);
  if (!schema.ok()) return InternalError("GraphQL schema: " + schema.status().message());
  graphql::Limits limits;
  limits.max_mutations = kMaxMutations;
  auto executor = graphql::Executor::Bind(*schema, std::move(resolvers), limits, DescribeFailure);
  if (!executor.ok()) return InternalError(executor.status().message());
  return executor;
}

void AddGraphQlRoutes(const std::shared_ptr<const graphql::Executor>& executor,
                      const AdmitLate& admit, Router& router) {
  const Handler answer = [executor](const std::shared_ptr<Exchange>& exchange) {
    Answer(*executor, exchange);
  };
  Route post;
  post.interface = Interface::kGraphQl;
  post.method = "POST";
  post.pattern = kPath;
  post.handler = answer;
  router.Add(std::move(post));
  WebSocketOptions options;
  options.subprotocols = {std::string(graphql::kWsProtocol)};
  Route get = WebSocketRoute(
      kPath, options,
      [executor, admit](const HttpRequest& request, std::shared_ptr<WebSocket> socket) {
        return OpenGraphQlSession(executor, admit, request, std::move(socket));
      });
  get.interface = Interface::kGraphQl;
  get.handler = answer;
  get.is_inline = false;
  get.takes_key_after_upgrade = true;
  router.Add(std::move(get));
}

}  // namespace mao
