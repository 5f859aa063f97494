// Calls the handlers of the REST interface without a network.
#ifndef MAOOCR_SERVE_REST_REST_CLIENT_FOR_TEST_H_
#define MAOOCR_SERVE_REST_REST_CLIENT_FOR_TEST_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/rest/routes.h"

namespace mao {

// What came back, complete.
struct RestResponse {
  int status = 0;
  std::string content_type;
  HttpHeaders headers;
  std::string body;

  nlohmann::ordered_json json() const {
    return nlohmann::ordered_json::parse(body, nullptr, false);
  }
};

// One exchange, and a way to wait for what the handler writes.
class RestExchange {
 public:
  explicit RestExchange(HttpRequest request)
      : exchange_(std::make_shared<Exchange>(std::move(request), [signal = signal_] {
          const std::lock_guard lock(signal->mutex);
          ++signal->num_wakes;
          signal->changed.notify_all();
        })) {}

  const std::shared_ptr<Exchange>& exchange() const { return exchange_; }

  RestResponse Wait() {
    while (!Take()) WaitForWake();
    return std::move(response_);
  }
  // Until the body has begun.
  void WaitForBody() {
    while (!Take() && response_.body.empty()) WaitForWake();
  }

 private:
  // Outlives this: a handler may wake us after its last word.
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    int num_wakes = 0;
  };

  void WaitForWake() {
    std::unique_lock lock(signal_->mutex);
    signal_->changed.wait(lock, [this] { return signal_->num_wakes > 0; });
    --signal_->num_wakes;
  }

  bool Take() {
    Exchange::Pending pending = exchange_->Take();
    if (pending.head.has_value()) {
      response_.status = pending.head->status;
      response_.content_type = pending.head->content_type;
      response_.headers = pending.head->headers;
      response_.body += pending.head->body;
    }
    response_.body += pending.bytes;
    return pending.ended;
  }

  const std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  const std::shared_ptr<Exchange> exchange_;
  RestResponse response_;
};

// A service with a fake backend behind the routes.
class RestClient {
 public:
  explicit RestClient(const FetchUrl& fetch_url = nullptr) : fake_(ServiceConfig(), fetch_url) {
    AddRestRoutes(fake_.service, {"1.2.3", fetch_url}, router_);
  }

  FakeBackend& backend() { return *fake_.backend; }
  Service& service() { return fake_.service; }

  HttpRequest Request(const std::string& method, const std::string& target,
                      const std::string& content_type, std::string body) const {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    request.query = target.substr(std::min(target.size(), request.path.size() + 1));
    if (!content_type.empty()) request.headers.emplace_back("Content-Type", content_type);
    request.body = std::move(body);
    request.context.request_id = "r1";
    return request;
  }

  void Handle(const std::shared_ptr<Exchange>& exchange) {
    const HttpRequest& request = exchange->request();
    const Router::Match match = router_.Find(request.method, request.path, {Interface::kRest});
    if (match.route == nullptr) return exchange->Send({404, "", "no route", {}});
    match.route->handler(exchange);
  }

  RestResponse Send(HttpRequest request) {
    RestExchange exchange(std::move(request));
    Handle(exchange.exchange());
    return exchange.Wait();
  }
  RestResponse Get(const std::string& target) { return Send(Request("GET", target, "", "")); }
  RestResponse PostJson(const std::string& target, const nlohmann::json& body) {
    return Send(Request("POST", target, "application/json", body.dump()));
  }

 private:
  FakeService fake_;
  Router router_;
};

// A white page of 200 x 100 pixels as base64.
inline std::string PageBase64() { return EncodeBase64(WhitePage(200, 100)); }

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_REST_CLIENT_FOR_TEST_H_
