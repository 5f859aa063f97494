// The GraphQL interface: /graphql by GET, POST and WebSocket.
#ifndef MAOOCR_SERVE_GRAPHQL_API_ROUTES_H_
#define MAOOCR_SERVE_GRAPHQL_API_ROUTES_H_

#include <memory>

#include "base/status.h"
#include "serve/graphql/executor.h"
#include "serve/graphql_api/socket_session.h"
#include "serve/http/router.h"

namespace mao {

// The schema bound to its resolvers (resolvers.h), with the limits of this server. Internal: they do
// not fit together.
Result<std::shared_ptr<const graphql::Executor>> BindGraphQl(graphql::Resolvers resolvers);

void AddGraphQlRoutes(const std::shared_ptr<const graphql::Executor>& executor,
                      const AdmitLate& admit, Router& router);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_ROUTES_H_
