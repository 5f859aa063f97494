#include "serve/http/connection.h"

#include <poll.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace mao {
namespace {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using ErrorCode = Connection::ErrorCode;

template <typename Stream>
asio::awaitable<size_t> ReadFrom(Stream& stream, asio::mutable_buffer to, ErrorCode& error) {
  co_return co_await stream.async_read_some(to, redirect_error(use_awaitable, error));
}

template <typename Stream>
asio::awaitable<ErrorCode> WriteTo(Stream& stream, asio::const_buffer from) {
  ErrorCode error;
  co_await asio::async_write(stream, from, redirect_error(use_awaitable, error));
  co_return error;
}

class PlainConnection final : public Connection {
 public:
  explicit PlainConnection(Socket socket)
      : Connection(socket.get_executor()), socket_(std::move(socket)) {}

  asio::awaitable<ErrorCode> Handshake() override { co_return ErrorCode(); }
  asio::awaitable<size_t> ReadSome(asio::mutable_buffer to, ErrorCode& error) override {
    return ReadFrom(socket_, to, error);
  }
  asio::awaitable<ErrorCode> Write(asio::const_buffer from) override {
    return WriteTo(socket_, from);
  }
  asio::awaitable<void> FinishWriting() override {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }
  Socket& socket() override { return socket_; }

 private:
  Socket socket_;
};

class TlsConnection final : public Connection {
 public:
  TlsConnection(Socket socket, asio::ssl::context& tls)
      : Connection(socket.get_executor()), stream_(std::move(socket), tls) {}

  asio::awaitable<ErrorCode> Handshake() override {
    ErrorCode error;
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     redirect_error(use_awaitable, error));
    co_return error;
  }
  asio::awaitable<size_t> ReadSome(asio::mutable_buffer to, ErrorCode& error) override {
    return ReadFrom(stream_, to, error);
  }
  asio::awaitable<ErrorCode> Write(asio::const_buffer from) override {
    return WriteTo(stream_, from);
  }
  asio::awaitable<void> FinishWriting() override {
    ErrorCode ignored;
    co_await stream_.async_shutdown(redirect_error(use_awaitable, ignored));
    socket().shutdown(Socket::shutdown_send, ignored);
  }
  Socket& socket() override { return stream_.next_layer(); }

 private:
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

void Connection::ExpiresAfter(std::chrono::milliseconds timeout) {
  deadline_.expires_after(timeout);
  deadline_.async_wait([this, alive = std::weak_ptr(alive_)](const ErrorCode& error) {
    // A handler that was already on its way comes without an error, though the connection is gone
    // or has a new deadline.
    if (error || alive.expired()) return;
    if (deadline_.expiry() > std::chrono::steady_clock::now()) return;
    expired_ = true;
    ErrorCode ignored;
    socket().close(ignored);
  });
}

bool Connection::PeerClosed() {
  pollfd state = {socket().native_handle(), POLLRDHUP, 0};
  return ::poll(&state, 1, 0) != 0;
}

std::string Connection::RemoteAddress() {
  ErrorCode error;
  const auto endpoint = socket().remote_endpoint(error);
  return error ? std::string() : endpoint.address().to_string();
}

std::unique_ptr<Connection> MakeConnection(Connection::Socket socket, asio::ssl::context* tls) {
  if (tls == nullptr) return std::make_unique<PlainConnection>(std::move(socket));
  return std::make_unique<TlsConnection>(std::move(socket), *tls);
}

}  // namespace mao
