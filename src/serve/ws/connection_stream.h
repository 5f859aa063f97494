// A Connection as the kind of stream that Beast builds on. Only for web_socket_upgrade.cc.
#ifndef MAOOCR_SERVE_WS_CONNECTION_STREAM_H_
#define MAOOCR_SERVE_WS_CONNECTION_STREAM_H_

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "serve/http/connection.h"

namespace mao {

class ConnectionStream {
 public:
  using ErrorCode = Connection::ErrorCode;
  using executor_type = boost::asio::any_io_executor;
  using Clock = std::chrono::steady_clock;

  // `input` is read first.
  ConnectionStream(Connection& connection, std::string input)
      : connection_(connection), input_(std::move(input)) {}
  ConnectionStream(const ConnectionStream&) = delete;
  ConnectionStream& operator=(const ConnectionStream&) = delete;

  executor_type get_executor() { return connection_.socket().get_executor(); }
  Connection& connection() { return connection_; }
  size_t num_bytes_written() const { return num_bytes_written_; }
  // A part of a message has come: what was read so far was worth it.
  void NoteContent() { num_idle_bytes_ = 0; }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this](auto handler, boost::asio::mutable_buffer to) {
          boost::asio::co_spawn(get_executor(), Read(*this, to, std::move(handler)),
                                boost::asio::detached);
        },
        token, First<boost::asio::mutable_buffer>(buffers));
  }

  // Writes all of it.
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this](auto handler, std::string bytes) {
          boost::asio::co_spawn(get_executor(), Write(*this, std::move(bytes), std::move(handler)),
                                boost::asio::detached);
        },
        token, Joined(buffers));
  }

  template <typename Handler>
  friend void async_teardown(boost::beast::role_type, ConnectionStream& stream, Handler&& handler) {
    boost::asio::co_spawn(stream.get_executor(), Finish(stream, std::forward<Handler>(handler)),
                          boost::asio::detached);
  }
  friend void beast_close_socket(ConnectionStream& stream) {
    ErrorCode ignored;
    stream.connection_.socket().close(ignored);
  }

 private:
  // Frames without content cost a client nothing: so many bytes of them may come in so long a time.
  static constexpr size_t kMaxIdleBytes = 64 << 10;
  static constexpr std::chrono::seconds kIdleWindow{10};
  // Small enough to be copied, so that a frame's head and its text leave together.
  static constexpr size_t kMaxWriteBytes = 64 << 10;

  template <typename Buffer, typename Buffers>
  static Buffer First(const Buffers& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const Buffer buffer = *it;
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }

  template <typename Buffers>
  static std::string Joined(const Buffers& buffers) {
    std::string bytes(std::min(boost::asio::buffer_size(buffers), kMaxWriteBytes), '\0');
    boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
    return bytes;
  }

  // By way of the queue: an operation must not end inside the call that began it.
  template <typename Handler, typename... Values>
  static void Complete(ConnectionStream& stream, Handler handler, Values... values) {
    const auto executor = boost::asio::get_associated_executor(handler, stream.get_executor());
    boost::asio::post(executor, [handler = std::move(handler), values...]() mutable {
      std::move(handler)(values...);
    });
  }

  template <typename Handler>
  static boost::asio::awaitable<void> Read(ConnectionStream& stream, boost::asio::mutable_buffer to,
                                           Handler handler) {
    ErrorCode error;
    size_t num_bytes = std::min(stream.input_.size(), to.size());
    if (num_bytes > 0) {
      boost::asio::buffer_copy(to, boost::asio::buffer(stream.input_));
      stream.input_.erase(0, num_bytes);
    } else if (to.size() > 0) {
      num_bytes = co_await stream.connection_.ReadSome(to, error);
    }
    if (!error && stream.IsFlood(num_bytes)) error = boost::asio::error::no_buffer_space;
    Complete(stream, std::move(handler), error, num_bytes);
  }

  template <typename Handler>
  static boost::asio::awaitable<void> Write(ConnectionStream& stream, std::string bytes,
                                            Handler handler) {
    const ErrorCode error = co_await stream.connection_.Write(boost::asio::buffer(bytes));
    if (!error) stream.num_bytes_written_ += bytes.size();
    Complete(stream, std::move(handler), error, error ? size_t{0} : bytes.size());
  }

  template <typename Handler>
  static boost::asio::awaitable<void> Finish(ConnectionStream& stream, Handler handler) {
    co_await stream.connection_.FinishWriting();
    Complete(stream, std::move(handler), ErrorCode());
  }

  bool IsFlood(size_t num_bytes) {
    const Clock::time_point now = Clock::now();
    if (now - window_start_ > kIdleWindow) {
      window_start_ = now;
      num_idle_bytes_ = 0;
    }
    num_idle_bytes_ += num_bytes;
    return num_idle_bytes_ > kMaxIdleBytes + kMaxRead;
  }
  static constexpr size_t kMaxRead = 64 << 10;  // of one read, which content may be in

  Connection& connection_;
  std::string input_;
  size_t num_bytes_written_ = 0;
  size_t num_idle_bytes_ = 0;
  Clock::time_point window_start_ = Clock::now();
};

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_CONNECTION_STREAM_H_
