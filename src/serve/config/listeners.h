// Which interface listens where.
#ifndef MAOOCR_SERVE_CONFIG_LISTENERS_H_
#define MAOOCR_SERVE_CONFIG_LISTENERS_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "serve/config/serve_config.h"

namespace mao {

struct ListenerSpec {
  std::string host;
  int port = 0;  // 0: any free one
  std::vector<ApiInterface> interfaces;
};

struct ListenerPlan {
  std::vector<ListenerSpec> listeners;  // in the order of their first interface
  std::vector<std::string> notes;       // what a person should be told about the result
};

// The host of an interface is its own, else api_host. Its port is, by the first line that applies:
//
//   openai, rest, websocket, graphql (HTTP)          grpc
//   1. its own port                                  1. its own port, unless an HTTP listener of the
//   2. api_port, if that is set                         same host has it: HTTP/1 and gRPC cannot
//   3. its own default (8000, 8001, 8002, 8004),        share one
//      if another enabled one of them has a port     2. 8003
//   4. 8000
//
// HTTP interfaces with equal host and port share one listener. Port 0 is one shared listener too; a
// gRPC port 0 is another free port. Interfaces that are not enabled have no part in any of this.
//
// Errors: InvalidArgument if none is enabled, if gRPC is left with a port that HTTP has, or if one
// port is wanted on all addresses (0.0.0.0 or ::) and on one of them too.
Result<ListenerPlan> ResolveListeners(const ServeConfig& config);

// "127.0.0.1:8000", "[::1]:8000".
std::string ListenerAddress(const ListenerSpec& listener);

// Whether nobody outside this machine can reach it: localhost, 127.0.0.0/8 or ::1.
bool IsLoopbackHost(const std::string& host);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_LISTENERS_H_
