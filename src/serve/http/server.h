// Listens, reads requests, and hands them to the handlers of the router.
#ifndef MAOOCR_SERVE_HTTP_SERVER_H_
#define MAOOCR_SERVE_HTTP_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/http/router.h"

namespace mao {

struct ListenerConfig {
  std::string host = "127.0.0.1";
  uint16_t port = 8000;  // 0: any free one
  std::vector<Interface> interfaces;
};

struct HttpServerConfig {
  std::vector<ListenerConfig> listeners;
  std::string tls_certificate_file;  // PEM, with its chain; empty: no TLS
  std::string tls_key_file;
  size_t max_connections = 1024;
  size_t max_header_bytes = 32 << 10;
  size_t max_body_bytes = size_t{50} << 20;   // of a request whose route says nothing else
  size_t max_bodies_bytes = size_t{1} << 30;  // of all requests that are being read or answered
  size_t num_handler_threads = 4;
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request
  std::chrono::milliseconds idle_timeout{75'000};    // between requests
  std::chrono::milliseconds body_timeout{30'000};    // until the next piece of a body
  std::chrono::milliseconds write_timeout{60'000};   // until the client takes what is written
};

// What stands between a request's head and its handler.
struct Admission {
  std::optional<HttpResponse> refusal;
  HttpHeaders response_headers;  // for whatever the answer is
};
// Looks at a request without its body. `route` is null when no route matches.
using Admit = std::function<Admission(HttpRequest& request, const Router::Match& match)>;

// A finished exchange, for metrics and the access log.
struct HttpExchangeRecord {
  const HttpRequest& request;
  std::string route;  // the pattern; empty when there was none
  int status;         // 499: the client went away
  size_t response_bytes;
  double ms;
};
using OnHttpExchange = std::function<void(const HttpExchangeRecord&)>;

class HttpServer {
 public:
  // Listens from here on. Errors name the address. `router` and the functions must outlive it.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerConfig& config,
                                                   const Router& router, Admit admit,
                                                   OnHttpExchange on_exchange);
  // Stops at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Of the listeners, in their order.
  std::vector<uint16_t> ports() const;
  size_t num_connections() const;
  // Accepts no more connections, and closes each that has nothing to answer.
  void Drain();

 private:
  class Core;
  explicit HttpServer(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_SERVER_H_
