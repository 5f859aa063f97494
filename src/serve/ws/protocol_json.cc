#include "serve/ws/protocol_json.h"

#include <utility>

#include <fmt/core.h>

#include "serve/api/error.h"

namespace mao {

nlohmann::ordered_json ErrorObject(const Status& status) {
  const ApiError error = ToApiError(status);
  return {{"message", status.message()}, {"type", error.type}, {"code", error.code}};
}

CallContext CallContextOf(const CallContext& socket, uint64_t number, std::string operation) {
  CallContext context = socket;
  context.request_id = fmt::format("{}-{}", socket.request_id, number);
  context.operation = std::move(operation);
  return context;
}

}  // namespace mao
