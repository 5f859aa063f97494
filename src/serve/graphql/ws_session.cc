#include "serve/graphql/ws_session.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/utf8.h"

namespace mao::graphql {
namespace {

constexpr size_t kMaxReasonBytes = 123;  // RFC 6455, 5.5: a control frame's 125 less the code

std::string Message(std::string_view type, const std::string* id, const Json* payload) {
  Json message = Json::object();
  if (id != nullptr) message["id"] = *id;
  message["type"] = type;
  if (payload != nullptr) message["payload"] = *payload;
  return DumpJson(message);
}

// The member, or null if it is absent or null.
const Json* Payload(const Json& message) {
  const auto found = message.find("payload");
  return found == message.end() || found->is_null() ? nullptr : &*found;
}

// The id of a message, or empty if it has none.
std::string Id(const Json& message) {
  const auto found = message.find("id");
  return found != message.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

WsActions WsSession::Close(uint16_t code, std::string_view reason) {
  state_ = State::kClosed;
  WsActions actions;
  actions.close = WsClose{code, std::string(CutAtCharacter(reason, kMaxReasonBytes))};
  return actions;
}

WsActions WsSession::OnMessage(std::string_view text) {
  if (state_ == State::kClosed) return {};
  Result<Json> parsed = ParseJson(text, options_.limits, "the message");
  if (!parsed.ok()) return Close(4400, parsed.status().message());
  Json& message = *parsed;
  const auto found = message.is_object() ? message.find("type") : message.end();
  if (!message.is_object() || found == message.end() || !found->is_string()) {
    return Close(4400, "a message is an object with a string \"type\"");
  }
  const auto& type = found->get_ref<const std::string&>();
  if (type == "subscribe") return OnSubscribe(message);
  if (type == "complete") return OnComplete(message);
  if (type != "connection_init" && type != "ping" && type != "pong") {
    return Close(4400, fmt::format("unexpected message type \"{}\"", Abbreviate(type, 40)));
  }
  const Json* const payload = Payload(message);
  if (payload != nullptr && !payload->is_object()) {
    return Close(4400, fmt::format("the payload of {} must be an object", type));
  }
  if (type == "connection_init") return OnInit(message);
  WsActions actions;
  if (type == "ping") actions.send.push_back(Message("pong", nullptr, payload));
  return actions;
}

WsActions WsSession::OnInit(const Json& message) {
  if (has_init_) return Close(4429, "Too many initialisation requests");
  has_init_ = true;
  if (options_.accept && !options_.accept(Payload(message))) return Close(4403, "Forbidden");
  state_ = State::kAcknowledged;
  WsActions actions;
  actions.send.push_back(Message("connection_ack", nullptr, nullptr));
  return actions;
}

WsActions WsSession::OnInitTimeout() {
  if (state_ != State::kConnected || has_init_) return {};
  return Close(4408, "Connection initialisation timeout");
}

WsActions WsSession::OnSubscribe(Json& message) {
  if (state_ != State::kAcknowledged) return Close(4401, "Unauthorized");
  const std::string id = Id(message);
  if (id.empty()) return Close(4400, "subscribe needs an \"id\", a string that is not empty");
  const auto payload = message.find("payload");
  if (payload == message.end()) return Close(4400, "subscribe needs a \"payload\"");
  Result<Request> request = RequestFromJson(std::move(*payload));
  if (!request.ok()) return Close(4400, request.status().message());
  if (serial_by_id_.contains(id)) {
    return Close(4409, fmt::format("Subscriber for {} already exists", id));
  }
  WsActions actions;
  if (serial_by_id_.size() >= options_.max_operations) {
    const Json errors = ErrorResponse(
        {{fmt::format("{} operations are running on this connection, the most there may be",
                      options_.max_operations),
          {},
          {},
          "RESOURCE_EXHAUSTED"}})["errors"];
    actions.send.push_back(Message("error", &id, &errors));
    return actions;
  }
  const uint64_t serial = ++last_serial_;
  serial_by_id_[id] = serial;
  id_by_serial_[serial] = id;
  actions.start = WsOperation{serial, *std::move(request)};
  return actions;
}

WsActions WsSession::OnComplete(const Json& message) {
  const std::string id = Id(message);
  if (id.empty()) return Close(4400, "complete needs an \"id\", a string that is not empty");
  WsActions actions;
  const auto found = serial_by_id_.find(id);
  if (found == serial_by_id_.end()) return actions;  // it has ended: the messages crossed
  actions.cancel = found->second;
  id_by_serial_.erase(found->second);
  serial_by_id_.erase(found);
  return actions;
}

std::optional<std::string> WsSession::Next(uint64_t serial, const Json& response) const {
  const auto id = id_by_serial_.find(serial);
  if (state_ == State::kClosed || id == id_by_serial_.end()) return std::nullopt;
  return Message("next", &id->second, &response);
}

std::optional<std::string> WsSession::End(uint64_t serial, std::string_view type,
                                          const Json* payload) {
  const auto id = id_by_serial_.find(serial);
  if (id == id_by_serial_.end()) return std::nullopt;
  std::optional<std::string> message;
  if (state_ != State::kClosed) message = Message(type, &id->second, payload);
  serial_by_id_.erase(id->second);
  id_by_serial_.erase(id);
  return message;
}

std::optional<std::string> WsSession::Fail(uint64_t serial, const Json& errors) {
  return End(serial, "error", &errors);
}

std::optional<std::string> WsSession::Complete(uint64_t serial) {
  return End(serial, "complete", nullptr);
}

std::vector<uint64_t> WsSession::running() const {
  std::vector<uint64_t> serials;
  for (const auto& [serial, id] : id_by_serial_) serials.push_back(serial);
  return serials;
}

void RunWsOperation(const Executor& executor, const Request& request,
                    std::shared_ptr<RequestContext> context, WsOutput output) {
  const PreparedRequest prepared = executor.Prepare(request);
  if (!prepared.ok()) return output.fail(ErrorResponse(prepared.errors)["errors"]);
  const auto end = [complete = std::move(output.complete), fail = std::move(output.fail),
                    owner = executor.shared_from_this(),
                    field = std::string(prepared.root_field())](const Status& status) {
    if (status.ok()) return complete();
    fail(ErrorResponse({owner->MakeError(status, field)})["errors"]);
  };
  executor.Subscribe(prepared, std::move(context), {std::move(output.next), end});
}

}  // namespace mao::graphql
