#include "serve/graphql_api/socket_session.h"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/graphql/ws_session.h"
#include "serve/graphql_api/names.h"
#include "serve/graphql_api/request_context.h"
#include "serve/http/respond.h"
#include "serve/ws/protocol_json.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

std::string CredentialsOf(const Json* payload) {
  if (payload == nullptr) return "";
  for (const auto& [name, value] : payload->items()) {
    const std::string lower = FromEnumValue(name);
    const bool is_key = lower == "authorization" || lower == "apikey" || lower == "x-api-key";
    if (is_key && value.is_string()) return value.get<std::string>();
  }
  return "";
}

class GraphQlSession final : public WebSocketSession,
                             public std::enable_shared_from_this<GraphQlSession> {
 public:
  GraphQlSession(std::shared_ptr<const graphql::Executor> executor, AdmitLate admit,
                 const HttpRequest& request, std::shared_ptr<WebSocket> socket)
      : executor_(std::move(executor)),
        admit_(std::move(admit)),
        use_result_cache_(!BypassesCache(request)),
        socket_(std::move(socket)),
        context_(request.context),
        session_(MakeOptions()) {}

  void OnMessage(std::string text) override {
    graphql::WsActions actions;
    std::shared_ptr<ServiceRequest> started;
    {
      const std::lock_guard lock(mutex_);
      actions = session_.OnMessage(text);
      for (std::string& message : actions.send) socket_->Send(std::move(message));
      if (actions.close) socket_->Close(actions.close->code, actions.close->reason);
      if (actions.start) started = AddRequest(actions.start->serial);
    }
    text.clear();
    text.shrink_to_fit();  // a picture may be in it
    // Not under our lock: a call has one of its own, which it holds when it tells us something.
    if (actions.cancel) Cancel(TakeRequest(*actions.cancel));
    if (started != nullptr) Run(*actions.start, started);
  }

  void OnClose() override {
    std::map<uint64_t, std::shared_ptr<ServiceRequest>> requests;
    {
      const std::lock_guard lock(requests_mutex_);
      is_closed_ = true;
      requests.swap(requests_);
    }
    for (const auto& [serial, request] : requests) request->Cancel();
  }

  bool is_idle() const override {
    const std::lock_guard lock(requests_mutex_);
    return requests_.empty();
  }

  bool is_admitted() const override { return is_admitted_; }

  void OnAdmissionTimeout() override {
    // Whoever holds the lock is busy with a message; we are asked again.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    const graphql::WsActions actions = session_.OnInitTimeout();
    if (actions.close) socket_->Close(actions.close->code, actions.close->reason);
  }

 private:
  graphql::WsSession::Options MakeOptions() {
    graphql::WsSession::Options options;
    options.limits = executor_->limits();
    options.accept = [this](const Json* payload) {
      is_admitted_ = admit_(CredentialsOf(payload), context_);
      return is_admitted_.load();
    };
    return options;
  }

  std::shared_ptr<ServiceRequest> AddRequest(uint64_t serial) {
    auto request =
        std::make_shared<ServiceRequest>(CallContextOf(context_, serial, ""), use_result_cache_);
    const std::lock_guard lock(requests_mutex_);
    if (is_closed_) {
      request->Cancel();
    } else {
      requests_[serial] = request;
    }
    return request;
  }

  // Null: it has ended.
  std::shared_ptr<ServiceRequest> TakeRequest(uint64_t serial) {
    const std::lock_guard lock(requests_mutex_);
    const auto node = requests_.extract(serial);
    return node.empty() ? nullptr : node.mapped();
  }

  static void Cancel(const std::shared_ptr<ServiceRequest>& request) {
    if (request != nullptr) request->Cancel();
  }

  void Run(const graphql::WsOperation& operation, const std::shared_ptr<ServiceRequest>& request) {
    const auto self = shared_from_this();
    const uint64_t serial = operation.serial;
    graphql::WsOutput output;
    output.next = [self, serial](const Json& response) {
      return self->Send([&] { return self->session_.Next(serial, response); });
    };
    // Said before the request is forgotten: a server that shuts down closes the socket once we are
    // idle.
    output.fail = [self, serial](const Json& errors) {
      self->Send([&] { return self->session_.Fail(serial, errors); });
      self->TakeRequest(serial);
    };
    output.complete = [self, serial] {
      self->Send([&] { return self->session_.Complete(serial); });
      self->TakeRequest(serial);
    };
    graphql::RunWsOperation(*executor_, operation.request, request, std::move(output));
  }

  // What `make` says, if anything. Sent under the lock, so that nothing of an operation comes after
  // another one has taken its id.
  template <typename Make>
  bool Send(const Make& make) {
    const std::lock_guard lock(mutex_);
    std::optional<std::string> message = make();
    if (!message.has_value()) return false;
    socket_->Send(*std::move(message));
    return true;
  }

  const std::shared_ptr<const graphql::Executor> executor_;
  const AdmitLate admit_;
  const bool use_result_cache_;
  const std::shared_ptr<WebSocket> socket_;
  std::atomic<bool> is_admitted_ = false;

  std::mutex mutex_;  // held while messages are parsed, so never waited for by the network's thread
  CallContext context_;
  graphql::WsSession session_;

  mutable std::mutex requests_mutex_;  // inside of mutex_
  std::map<uint64_t, std::shared_ptr<ServiceRequest>> requests_;
  bool is_closed_ = false;
};

}  // namespace

std::shared_ptr<WebSocketSession> OpenGraphQlSession(
    std::shared_ptr<const graphql::Executor> executor, const AdmitLate& admit,
    const HttpRequest& request, std::shared_ptr<WebSocket> socket) {
  return std::make_shared<GraphQlSession>(std::move(executor), admit, request, std::move(socket));
}

}  // namespace mao
