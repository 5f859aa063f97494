#include "serve/ws/web_socket_upgrade.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/log.h"
#include "serve/http/respond.h"
#include "serve/http/upgrade.h"
#include "serve/ws/connection_stream.h"
#include "serve/ws/socket_outbox.h"

namespace mao {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::redirect_error;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 64 << 10;
// As for bodies: a message may come as slowly as this on the whole.
constexpr size_t kMinBytesPerSecond = 16 << 10;
// How large a message may be before the client has said who it is.
constexpr size_t kMaxStrangersBytes = 16 << 10;
// How soon a socket notices that the server shuts down.
constexpr milliseconds kPollInterval{250};
constexpr milliseconds kLingerTime{2'000};

// "a" of "a, b".
std::string_view TakeListItem(std::string_view& list) {
  const size_t comma = std::min(list.find(','), list.size());
  std::string_view item = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  while (item.starts_with(' ')) item.remove_prefix(1);
  while (item.ends_with(' ')) item.remove_suffix(1);
  return item;
}

std::string ChooseSubprotocol(const HttpRequest& request, const std::vector<std::string>& known) {
  std::string_view offered = request.Header("Sec-WebSocket-Protocol");
  while (!offered.empty()) {
    const std::string_view item = TakeListItem(offered);
    if (std::find(known.begin(), known.end(), item) != known.end()) return std::string(item);
  }
  return "";
}

websocket::request_type ToBeast(const HttpRequest& request) {
  websocket::request_type beast_request;
  beast_request.method_string(request.method);
  beast_request.target(request.target);
  beast_request.version(11);
  for (const auto& [name, value] : request.headers) beast_request.insert(name, value);
  return beast_request;
}

// Memory for a message that is being received.
class MessageMemory {
 public:
  explicit MessageMemory(SessionEnvironment& environment) : environment_(environment) {}
  ~MessageMemory() { environment_.bodies_bytes -= num_bytes_; }
  MessageMemory(const MessageMemory&) = delete;
  MessageMemory& operator=(const MessageMemory&) = delete;

  bool Grow(size_t num_bytes) {
    if (num_bytes <= num_bytes_) return true;
    const size_t more = num_bytes - num_bytes_;
    if (environment_.bodies_bytes + more > environment_.config.max_bodies_bytes) return false;
    environment_.bodies_bytes += more;
    num_bytes_ = num_bytes;
    return true;
  }

 private:
  SessionEnvironment& environment_;
  size_t num_bytes_ = 0;
};

// One socket. Everything but the outbox belongs to the thread of the network.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(UpgradedConnection upgraded, const WebSocketOptions& options)
      : options_(options),
        connection_(upgraded.connection),
        request_(upgraded.request),
        response_headers_(upgraded.response_headers),
        environment_(upgraded.environment),
        stream_(upgraded.connection, std::move(upgraded.input)),
        write_wake_(stream_.get_executor()),
        read_wake_(stream_.get_executor()) {}

  asio::awaitable<Upgrade::End> Run(const OpenWebSocket& open) {
    outbox_ = MakeOutbox();
    if (!co_await Accept()) co_return Upgrade::End{400, stream_.next_layer().num_bytes_written()};
    session_ = open(request_, outbox_);
    const AtEnd at_end{*this};
    asio::co_spawn(stream_.get_executor(), Write(shared_from_this()), asio::detached);
    try {
      co_await Read();
    } catch (const std::exception& e) {  // no memory, as a rule
      LogError(std::string("a WebSocket ended by an exception: ") + e.what());
    }
    if (is_failed_) {
      EndSession();
      co_await Linger();
    }
    if (!is_refused_) CloseConnection();  // a write must not wait for who has gone
    is_reading_ = false;
    write_wake_.cancel();
    while (is_writing_) co_await Wait(read_wake_, kPollInterval);
    co_return Upgrade::End{101, stream_.next_layer().num_bytes_written()};
  }

 private:
  // Also when the server is destroyed while the socket waits.
  struct AtEnd {
    ~AtEnd() { socket.EndSession(); }
    Socket& socket;
  };

  void EndSession() {
    if (std::exchange(is_ended_, true)) return;
    outbox_->Disconnect();
    session_->OnClose();
  }

  std::shared_ptr<SocketOutbox> MakeOutbox() {
    return std::make_shared<SocketOutbox>(
        options_.max_queued_bytes, [weak = weak_from_this(), executor = stream_.get_executor()] {
          if (weak.expired()) return;
          asio::post(executor, [weak] {
            if (const auto self = weak.lock()) self->write_wake_.cancel();
          });
        });
  }

  asio::awaitable<bool> Accept() {
    const HttpServerConfig& config = environment_.config;
    const size_t default_max = config.max_body_bytes / 3 * 4 + kReadBytes;
    stream_.read_message_max(options_.max_message_bytes > 0 ? options_.max_message_bytes
                                                            : default_max);
    stream_.text(true);
    stream_.auto_fragment(false);
    stream_.set_option(
        websocket::stream_base::timeout{options_.close_timeout, options_.idle_timeout, true});
    const std::string subprotocol = ChooseSubprotocol(request_, options_.subprotocols);
    stream_.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
      for (const auto& [name, value] : response_headers_) response.insert(name, value);
      if (!subprotocol.empty()) {
        response.set(beast::http::field::sec_websocket_protocol, subprotocol);
      }
    }));
    ErrorCode error;
    connection_.ExpiresAfter(config.write_timeout);
    const websocket::request_type request = ToBeast(request_);
    co_await stream_.async_accept(request, redirect_error(use_awaitable, error));
    connection_.NeverExpires();
    co_return !error;
  }

  asio::awaitable<void> Read() {
    while (true) {
      MessageMemory memory(environment_);
      std::string text;
      if (!co_await ReadMessage(memory, text)) co_return;
      co_await Handle(std::move(text));
    }
  }

  // On a thread for handlers, which may outlive this socket: it gets nothing of it.
  asio::awaitable<void> Handle(std::string text) {
    const auto is_handled = std::make_shared<bool>(false);
    environment_.run_handler([session = session_, outbox = outbox_, text = std::move(text),
                              executor = stream_.get_executor(), weak = weak_from_this(),
                              is_handled]() mutable {
      try {
        session->OnMessage(std::move(text));
      } catch (const std::exception& e) {
        LogError(std::string("a WebSocket message: ") + e.what());
        outbox->Close(static_cast<int>(WebSocketClose::kInternalError), "internal error");
      }
      asio::post(executor, [weak, is_handled] {
        *is_handled = true;
        if (const auto self = weak.lock()) self->read_wake_.cancel();
      });
    });
    while (!*is_handled) co_await Wait(read_wake_, kPollInterval);
  }

  // False: there will be no more messages.
  asio::awaitable<bool> ReadMessage(MessageMemory& memory, std::string& text) {
    auto buffer = asio::dynamic_buffer(text);
    std::optional<Clock::time_point> start;
    do {
      ErrorCode error;
      const size_t num_bytes = co_await stream_.async_read_some(
          buffer, kReadBytes, redirect_error(use_awaitable, error));
      is_failed_ = error == websocket::error::message_too_big ||
                   error == websocket::condition::protocol_violation;
      if (error) co_return false;
      if (num_bytes > 0) stream_.next_layer().NoteContent();
      if (!start.has_value()) start = Clock::now();
      const milliseconds allowed =
          environment_.config.body_timeout + milliseconds(text.size() * 1000 / kMinBytesPerSecond);
      if (!stream_.got_text()) {
        co_return Refuse(WebSocketClose::kUnsupportedData, "messages are texts");
      }
      if (text.size() > kMaxStrangersBytes && !session_->is_admitted()) {
        co_return Refuse(WebSocketClose::kPolicyViolation, "the message is too large for a first");
      }
      if (!memory.Grow(text.size())) {
        co_return Refuse(WebSocketClose::kTryAgainLater,
                         "the server is reading too many large messages");
      }
      if (Clock::now() - *start > allowed) {
        co_return Refuse(WebSocketClose::kPolicyViolation, "the message comes too slowly");
      }
    } while (!stream_.is_message_done());
    co_return true;
  }

  // Closing while bytes come in would take back the frame that says why.
  asio::awaitable<void> Linger() {
    connection_.ExpiresAfter(kLingerTime);
    std::string bytes(kReadBytes, '\0');
    ErrorCode error;
    while (!error) {
      co_await connection_.socket().async_read_some(asio::buffer(bytes),
                                                    redirect_error(use_awaitable, error));
    }
  }

  bool Refuse(WebSocketClose code, const char* reason) {
    outbox_->Close(static_cast<int>(code), reason);
    is_refused_ = true;
    return false;
  }

  static asio::awaitable<void> Write(std::shared_ptr<Socket> self) {
    try {
      while (co_await self->WriteNext()) {
      }
    } catch (const std::exception& e) {
      LogError(std::string("a WebSocket ended by an exception: ") + e.what());
    }
    self->is_writing_ = false;
    self->read_wake_.cancel();
  }

  // What is there, or waits for more. False: nothing more will be written.
  asio::awaitable<bool> WriteNext() {
    if (outbox_->is_overflowing()) {
      CloseConnection();
      co_return false;
    }
    if (std::optional<std::string> text = outbox_->Take(); text.has_value()) {
      ErrorCode error;
      connection_.ExpiresAfter(environment_.config.write_timeout);
      co_await stream_.async_write(asio::buffer(*text), redirect_error(use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return false;  // the socket is being closed
      connection_.NeverExpires();
      if (error) CloseConnection();
      co_return !error;
    }
    if (const auto close = outbox_->close(); close.has_value()) {
      ErrorCode ignored;
      const websocket::close_reason reason(static_cast<websocket::close_code>(close->code),
                                           close->reason);
      co_await stream_.async_close(reason, redirect_error(use_awaitable, ignored));
      CloseConnection();
      co_return false;
    }
    if (!is_reading_) co_return false;
    if (environment_.draining && session_->is_idle()) {
      outbox_->Close(static_cast<int>(WebSocketClose::kGoingAway), "the server is shutting down");
      co_return true;
    }
    if (!session_->is_admitted() && Clock::now() - start_ > options_.admission_timeout) {
      session_->OnAdmissionTimeout();
    }
    co_await Wait(write_wake_, kPollInterval);
    co_return true;
  }

  static asio::awaitable<void> Wait(asio::steady_timer& timer, milliseconds time) {
    ErrorCode ignored;
    timer.expires_after(time);
    co_await timer.async_wait(redirect_error(use_awaitable, ignored));
  }

  void CloseConnection() {
    ErrorCode ignored;
    connection_.socket().close(ignored);
  }

  const WebSocketOptions& options_;
  Connection& connection_;
  const HttpRequest& request_;
  const HttpHeaders& response_headers_;
  SessionEnvironment& environment_;
  websocket::stream<ConnectionStream, false> stream_;  // without compression
  asio::steady_timer write_wake_;
  asio::steady_timer read_wake_;
  std::shared_ptr<SocketOutbox> outbox_;
  std::shared_ptr<WebSocketSession> session_;
  bool is_failed_ = false;  // the client broke a rule that Beast watches, and was told
  const Clock::time_point start_ = Clock::now();
  bool is_refused_ = false;  // the client is told why before the connection is closed
  bool is_ended_ = false;    // the session was told
  bool is_reading_ = true;
  bool is_writing_ = true;
};

class WebSocketUpgrade final : public Upgrade {
 public:
  WebSocketUpgrade(WebSocketOptions options, OpenWebSocket open)
      : options_(std::move(options)), open_(std::move(open)) {}

  bool IsAskedFor(const HttpRequest& request) const override {
    return beast::iequals(request.Header("Upgrade"), "websocket");
  }
  asio::awaitable<End> Run(UpgradedConnection upgraded) const override {
    const auto socket = std::make_shared<Socket>(std::move(upgraded), options_);
    co_return co_await socket->Run(open_);
  }

 private:
  const WebSocketOptions options_;
  const OpenWebSocket open_;
};

}  // namespace

Route WebSocketRoute(std::string pattern, const WebSocketOptions& options, OpenWebSocket open) {
  Route route;
  route.interface = Interface::kWebSocket;
  route.method = "GET";
  route.pattern = std::move(pattern);
  route.is_inline = true;
  route.handler = [](const std::shared_ptr<Exchange>& exchange) {
    HttpResponse response = PlainError(426, "this address is for WebSockets");
    response.headers.emplace_back("Upgrade", "websocket");
    exchange->Send(std::move(response));
  };
  route.upgrade = std::make_shared<WebSocketUpgrade>(options, std::move(open));
  return route;
}

}  // namespace mao
