// One connection: its requests one after the other.
#ifndef MAOOCR_SERVE_HTTP_SESSION_H_
#define MAOOCR_SERVE_HTTP_SESSION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "serve/http/connection.h"
#include "serve/http/server.h"

namespace mao {

// What sessions share; outlives them.
struct SessionEnvironment {
  const HttpServerConfig& config;
  const Router& router;
  const Admit& admit;
  const OnHttpExchange& on_exchange;
  std::function<void(std::function<void()>)> run_handler;  // on a thread for handlers
  std::atomic<size_t> bodies_bytes = 0;                    // in memory
  std::atomic<bool> draining = false;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::unique_ptr<Connection> connection, const std::vector<Interface>& interfaces,
          SessionEnvironment& environment);

  // Until the connection ends.
  boost::asio::awaitable<void> Run();
  // Closes the connection if it waits for a request.
  void CloseIfIdle();

 private:
  class Incoming;   // a request that is being read
  struct Outgoing;  // what is known of its response

  boost::asio::awaitable<bool> ReadMore();
  // False: no more requests on this connection.
  boost::asio::awaitable<bool> ServeOne();
  // The refusal, if the head is not that of a request.
  boost::asio::awaitable<std::optional<HttpResponse>> ReadHead(Incoming& incoming);
  boost::asio::awaitable<std::optional<HttpResponse>> ReadBody(Incoming& incoming,
                                                               size_t max_bytes);
  // Until the end of the other protocol.
  boost::asio::awaitable<void> SwitchProtocol(const HttpRequest& request, const Route& route,
                                              Outgoing& outgoing);
  boost::asio::awaitable<void> Answer(const std::shared_ptr<Exchange>& exchange,
                                      const Router::Match& match, Outgoing& outgoing);
  boost::asio::awaitable<void> Respond(Exchange& exchange, Outgoing& outgoing);
  boost::asio::awaitable<bool> WriteHead(const HttpResponse& response, bool is_streamed,
                                         Outgoing& outgoing);
  boost::asio::awaitable<bool> WriteBytes(std::string bytes, Outgoing& outgoing);
  boost::asio::awaitable<void> Linger();
  void Report(const HttpRequest& request, const Route* route, const Outgoing& outgoing) const;

  std::unique_ptr<Connection> connection_;
  const std::vector<Interface> interfaces_;
  SessionEnvironment& environment_;
  boost::asio::steady_timer wake_;
  std::string input_;  // read, not yet parsed
  bool is_idle_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_SESSION_H_
