// The protocol graphql-transport-ws (PROTOCOL.md of the npm package graphql-ws) as a state machine:
// messages in, messages and decisions out. The caller owns the socket, the clock and the threads,
// and calls one session from one thread at a time.
#ifndef MAOOCR_SERVE_GRAPHQL_WS_SESSION_H_
#define MAOOCR_SERVE_GRAPHQL_WS_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/graphql/executor.h"
#include "serve/graphql/json.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/request.h"

namespace mao::graphql {

inline constexpr std::string_view kWsProtocol = "graphql-transport-ws";

// Ids are the client's and come again after their operation has ended; a serial never does, so that
// what a late worker says of an ended operation cannot reach its successor.
struct WsOperation {
  uint64_t serial = 0;
  Request request;
};

struct WsClose {
  uint16_t code = 0;
  std::string reason;  // at most 123 bytes, as WebSocket allows
};

// What the caller does now, in this order.
struct WsActions {
  std::vector<std::string> send;
  std::optional<WsOperation> start;
  std::optional<uint64_t> cancel;  // a running operation's serial
  std::optional<WsClose> close;
};

class WsSession {
 public:
  struct Options {
    size_t max_operations = 16;  // at the same time; more are refused with an error message
    // Whether to let the client in, by the payload of connection_init (null if it has none).
    // Empty: everybody. False closes with 4403.
    std::function<bool(const Json* payload)> accept;
    Limits limits;
  };

  explicit WsSession(Options options) : options_(std::move(options)) {}

  // A text message. Closes: 4400 it is none of the protocol, 4401 an operation before the
  // connection is acknowledged, 4403 not let in, 4409 an id that is in use, 4429 a second
  // connection_init. After a close nothing more is done.
  WsActions OnMessage(std::string_view text);

  // The caller's patience for connection_init is over: closes with 4408 if none came.
  WsActions OnInitTimeout();

  // Messages about a running operation; nothing if it has ended meanwhile. Fail and Complete end it.
  std::optional<std::string> Next(uint64_t serial, const Json& response) const;
  std::optional<std::string> Fail(uint64_t serial, const Json& errors);
  std::optional<std::string> Complete(uint64_t serial);

  // The serials of all running operations: to cancel when the socket is gone.
  std::vector<uint64_t> running() const;

 private:
  enum class State { kConnected, kAcknowledged, kClosed };

  WsActions Close(uint16_t code, std::string_view reason);
  WsActions OnInit(const Json& message);
  WsActions OnSubscribe(Json& message);
  WsActions OnComplete(const Json& message);
  std::optional<std::string> End(uint64_t serial, std::string_view type, const Json* payload);

  Options options_;
  State state_ = State::kConnected;
  bool has_init_ = false;
  uint64_t last_serial_ = 0;
  std::map<std::string, uint64_t> serial_by_id_;
  std::map<uint64_t, std::string> id_by_serial_;
};

// What comes of an operation, for the session, on any thread: whoever gets it sees to the session's.
struct WsOutput {
  std::function<bool(const Json& response)> next;  // false if nobody listens any more
  std::function<void(const Json& errors)> fail;
  std::function<void()> complete;
};

// Runs one operation, whose end is one call of `fail` or `complete`, before this returns or later.
void RunWsOperation(const Executor& executor, const Request& request,
                    std::shared_ptr<RequestContext> context, WsOutput output);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_WS_SESSION_H_
