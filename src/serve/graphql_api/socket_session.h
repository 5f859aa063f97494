// graphql-transport-ws over one WebSocket.
#ifndef MAOOCR_SERVE_GRAPHQL_API_SOCKET_SESSION_H_
#define MAOOCR_SERVE_GRAPHQL_API_SOCKET_SESSION_H_

#include <functional>
#include <memory>
#include <string_view>

#include "serve/api/generation.h"
#include "serve/graphql/executor.h"
#include "serve/ws/web_socket.h"

namespace mao {

// Whether a client with these credentials may go on; sets the key of the context.
using AdmitLate = std::function<bool(std::string_view credentials, CallContext& context)>;

// A client that has shown no key yet does so in the payload of connection_init, as `authorization`
// ("Bearer KEY") or `apiKey`.
std::shared_ptr<WebSocketSession> OpenGraphQlSession(
    std::shared_ptr<const graphql::Executor> executor, const AdmitLate& admit,
    const HttpRequest& request, std::shared_ptr<WebSocket> socket);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_SOCKET_SESSION_H_
