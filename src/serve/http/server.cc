#include "serve/http/server.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "serve/http/session.h"

namespace mao {
namespace {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptRetry{100};

Status SystemError(const ListenerConfig& listener, const ErrorCode& error) {
  return UnavailableError(
      fmt::format("cannot listen on {}:{}: {}", listener.host, listener.port, error.message()));
}

}  // namespace

class HttpServer::Core {
 public:
  Core(const HttpServerConfig& config, const Router& router, Admit admit,
       OnHttpExchange on_exchange)
      : config_(config),
        admit_(std::move(admit)),
        on_exchange_(std::move(on_exchange)),
        handlers_(config.num_handler_threads),
        environment_{config_,
                     router,
                     admit_,
                     on_exchange_,
                     [this](std::function<void()> work) { asio::post(handlers_, std::move(work)); },
                     0,
                     false} {}

  ~Core() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    handlers_.stop();
    handlers_.join();
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Status Start() {
    MAO_RETURN_IF_ERROR(LoadTls());
    for (const ListenerConfig& listener : config_.listeners) MAO_RETURN_IF_ERROR(Listen(listener));
    for (size_t i = 0; i < acceptors_.size(); ++i) {
      asio::co_spawn(io_, Accept(acceptors_[i], config_.listeners[i]), asio::detached);
    }
    thread_ = std::thread([this] { io_.run(); });
    return OkStatus();
  }

  std::vector<uint16_t> ports() const { return ports_; }
  size_t num_connections() const { return num_connections_; }

  void Drain() {
    environment_.draining = true;
    asio::post(io_, [this] {
      ErrorCode ignored;
      for (tcp::acceptor& acceptor : acceptors_) acceptor.close(ignored);
      for (Session* session : sessions_) session->CloseIfIdle();
    });
  }

 private:
  Status LoadTls() {
    if (config_.tls_certificate_file.empty()) return OkStatus();
    auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    ErrorCode error;
    tls->use_certificate_chain_file(config_.tls_certificate_file, error);
    if (error) {
      return InvalidArgumentError(
          fmt::format("TLS certificate {}: {}", config_.tls_certificate_file, error.message()));
    }
    tls->use_private_key_file(config_.tls_key_file, asio::ssl::context::pem, error);
    if (error) {
      return InvalidArgumentError(
          fmt::format("TLS key {}: {}", config_.tls_key_file, error.message()));
    }
    tls_ = std::move(tls);
    return OkStatus();
  }

  Status Listen(const ListenerConfig& listener) {
    ErrorCode error;
    tcp::resolver resolver(io_);
    const auto found =
        resolver.resolve(listener.host, std::to_string(listener.port),
                         tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error) return SystemError(listener, error);
    const tcp::endpoint endpoint = found.begin()->endpoint();
    tcp::acceptor acceptor(io_);
    if (acceptor.open(endpoint.protocol(), error)) return SystemError(listener, error);
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (acceptor.bind(endpoint, error)) return SystemError(listener, error);
    if (acceptor.listen(asio::socket_base::max_listen_connections, error)) {
      return SystemError(listener, error);
    }
    ports_.push_back(acceptor.local_endpoint().port());
    acceptors_.push_back(std::move(acceptor));
    return OkStatus();
  }

  asio::awaitable<void> Accept(tcp::acceptor& acceptor, const ListenerConfig& listener) {
    while (acceptor.is_open()) {
      ErrorCode error;
      tcp::socket socket = co_await acceptor.async_accept(redirect_error(use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {  // as a rule no file descriptors are left
        LogWarning("accept: " + error.message());
        asio::steady_timer pause(io_, kAcceptRetry);
        co_await pause.async_wait(redirect_error(use_awaitable, error));
        continue;
      }
      if (num_connections_ >= config_.max_connections) continue;  // closes the socket
      // Streams are written in small pieces, which must not wait for acknowledgements.
      socket.set_option(tcp::no_delay(true), error);
      asio::co_spawn(io_, Serve(std::move(socket), listener.interfaces), asio::detached);
    }
  }

  asio::awaitable<void> Serve(tcp::socket socket, const std::vector<Interface>& interfaces) {
    const auto session = std::make_shared<Session>(MakeConnection(std::move(socket), tls_.get()),
                                                   interfaces, environment_);
    ++num_connections_;
    sessions_.push_back(session.get());
    try {
      co_await session->Run();
    } catch (const std::exception& e) {  // no memory, as a rule
      LogError(fmt::format("a connection ended by an exception: {}", e.what()));
    }
    std::erase(sessions_, session.get());
    --num_connections_;
  }

  const HttpServerConfig config_;
  const Admit admit_;
  const OnHttpExchange on_exchange_;
  std::unique_ptr<asio::ssl::context> tls_;
  asio::thread_pool handlers_;
  SessionEnvironment environment_;
  std::atomic<size_t> num_connections_ = 0;
  std::vector<Session*> sessions_;  // of the thread
  std::vector<uint16_t> ports_;
  // Its destruction ends the coroutines, which use all of the above.
  asio::io_context io_{1};
  std::vector<tcp::acceptor> acceptors_;
  std::thread thread_;  // runs all connections
};

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerConfig& config,
                                                      const Router& router, Admit admit,
                                                      OnHttpExchange on_exchange) {
  auto core = std::make_unique<Core>(config, router, std::move(admit), std::move(on_exchange));
  MAO_RETURN_IF_ERROR(core->Start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

std::vector<uint16_t> HttpServer::ports() const { return core_->ports(); }
size_t HttpServer::num_connections() const { return core_->num_connections(); }
void HttpServer::Drain() { core_->Drain(); }

}  // namespace mao
