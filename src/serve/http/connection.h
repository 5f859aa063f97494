// A byte stream to a client, plain or TLS behind one type, so that the session is compiled once.
#ifndef MAOOCR_SERVE_HTTP_CONNECTION_H_
#define MAOOCR_SERVE_HTTP_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace mao {

// Used by one coroutine at a time, on one thread. Errors come as error codes, end of file as one.
class Connection {
 public:
  using ErrorCode = boost::system::error_code;
  using Socket = boost::asio::ip::tcp::socket;

  virtual ~Connection() = default;

  virtual boost::asio::awaitable<ErrorCode> Handshake() = 0;
  // At least one byte, or an error.
  virtual boost::asio::awaitable<size_t> ReadSome(boost::asio::mutable_buffer to,
                                                  ErrorCode& error) = 0;
  virtual boost::asio::awaitable<ErrorCode> Write(boost::asio::const_buffer from) = 0;
  // Tells the client that nothing more comes.
  virtual boost::asio::awaitable<void> FinishWriting() = 0;

  virtual Socket& socket() = 0;

  // After this time the socket is closed and everything fails, unless one of these is called before.
  void ExpiresAfter(std::chrono::milliseconds timeout);
  void NeverExpires() { deadline_.cancel(); }
  bool expired() const { return expired_; }
  // Whether the client has closed its side. Looks, and waits for nothing.
  bool PeerClosed();
  std::string RemoteAddress();

 protected:
  explicit Connection(const boost::asio::any_io_executor& executor) : deadline_(executor) {}

 private:
  boost::asio::steady_timer deadline_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // tells late timers that this is gone
  bool expired_ = false;
};

// `tls` null: plain.
std::unique_ptr<Connection> MakeConnection(Connection::Socket socket,
                                           boost::asio::ssl::context* tls);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_CONNECTION_H_
