// One GraphQL request, whatever transport it came by.
#ifndef MAOOCR_SERVE_GRAPHQL_REQUEST_H_
#define MAOOCR_SERVE_GRAPHQL_REQUEST_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/graphql/json.h"
#include "serve/graphql/limits.h"

namespace mao::graphql {

struct Request {
  std::string query;
  std::optional<std::string> operation_name;
  std::shared_ptr<const Json> variables;   // an object; null if there are none
  std::shared_ptr<const Json> extensions;  // an object; null if there are none
};

// JSON text, refused when it is too deep or has too many members. `what` names it in messages.
// InvalidArgument: not JSON; OutOfRange: above a limit.
Result<Json> ParseJson(std::string_view text, const Limits& limits, std::string_view what);

// {"query", "operationName", "variables", "extensions"}: the body of a POST, or the payload of a
// WebSocket's subscribe message. Members that are null count as absent, unknown ones are ignored.
Result<Request> RequestFromJson(Json json);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_REQUEST_H_
