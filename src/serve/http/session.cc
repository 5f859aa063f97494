#include "serve/http/session.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "serve/http/respond.h"
#include "serve/http/upgrade.h"

namespace mao {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 64 << 10;
// A body may come as slowly as this on the whole, beyond body_timeout.
constexpr size_t kMinBytesPerSecond = 16 << 10;
// How soon a client that went away is noticed.
constexpr milliseconds kPeerCheckInterval{50};
// After a refusal the rest of the body is read and dropped, so that the client sees the answer
// instead of a reset connection: so much, for so long.
constexpr size_t kMaxLingerBytes = 64 << 20;
constexpr milliseconds kMaxLingerTime{2'000};

HttpResponse TooLarge(size_t max_bytes) {
  return PlainError(
      413, fmt::format("the body is larger than the limit of {} bytes ({:.0f} MB); the server's "
                       "setting is max_upload_size_mb",
                       max_bytes, static_cast<double>(max_bytes) / (1 << 20)));
}

}  // namespace

// The request of the parser, and its share of the memory for bodies.
class Session::Incoming {
 public:
  explicit Incoming(SessionEnvironment& environment) : environment_(environment) {
    parser_.header_limit(static_cast<uint32_t>(environment.config.max_header_bytes));
    parser_.body_limit(boost::none);  // checked here, with a proper answer
    parser_.eager(false);
  }
  ~Incoming() { environment_.bodies_bytes -= held_bytes_; }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  http::request_parser<http::string_body>& parser() { return parser_; }

  // Takes memory for a body of this size; false when there is none.
  bool Hold(size_t bytes) {
    if (bytes <= held_bytes_) return true;
    const size_t more = bytes - held_bytes_;
    if (environment_.bodies_bytes + more > environment_.config.max_bodies_bytes) return false;
    environment_.bodies_bytes += more;
    held_bytes_ = bytes;
    return true;
  }

  // Moves head or body into `request`; nullopt, or why the head is wrong.
  std::optional<HttpResponse> TakeHead() {
    const auto& message = parser_.get();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) {
      request.headers.emplace_back(field.name_string(), field.value());
    }
    const std::string_view target = request.target;
    const size_t end = std::min(target.find('?'), target.size());
    const std::optional<std::string> path = PercentDecode(target.substr(0, end), false);
    if (!target.starts_with('/') || !path.has_value()) {
      return PlainError(400, "the request target is not a path");
    }
    request.path = *path;
    request.query = target.substr(std::min(target.size(), end + 1));
    if (message.version() >= 11 && message.count(http::field::host) != 1) {
      return PlainError(400, "a request has exactly one Host header");
    }
    return std::nullopt;
  }
  void TakeBody() { request.body = std::move(parser_.get().body()); }

  HttpRequest request;

 private:
  SessionEnvironment& environment_;
  http::request_parser<http::string_body> parser_;
  size_t held_bytes_ = 0;
};

struct Session::Outgoing {
  Clock::time_point start = Clock::now();
  HttpHeaders extra_headers;
  bool keep_alive = false;
  bool is_head_request = false;
  bool is_chunked = false;  // else a streamed response ends with the connection
  bool can_chunk = true;    // HTTP/1.1
  int status = 0;
  size_t num_bytes = 0;
};

Session::Session(std::unique_ptr<Connection> connection, const std::vector<Interface>& interfaces,
                 SessionEnvironment& environment)
    : connection_(std::move(connection)),
      interfaces_(interfaces),
      environment_(environment),
      wake_(connection_->socket().get_executor()) {}

void Session::CloseIfIdle() {
  ErrorCode ignored;
  if (is_idle_) connection_->socket().close(ignored);
}

asio::awaitable<void> Session::Run() {
  const auto self = shared_from_this();
  connection_->ExpiresAfter(environment_.config.header_timeout);
  if (co_await connection_->Handshake()) co_return;
  while (co_await ServeOne()) {
  }
  connection_->ExpiresAfter(kMaxLingerTime);
  co_await connection_->FinishWriting();
}

asio::awaitable<bool> Session::ReadMore() {
  const size_t size = input_.size();
  input_.resize(size + kReadBytes);
  ErrorCode error;
  const size_t num_bytes =
      co_await connection_->ReadSome(asio::buffer(input_.data() + size, kReadBytes), error);
  input_.resize(size + num_bytes);
  co_return !error;
}

asio::awaitable<bool> Session::ServeOne() {
  if (environment_.draining) co_return false;
  if (input_.empty()) {
    is_idle_ = true;
    connection_->ExpiresAfter(environment_.config.idle_timeout);
    const bool has_more = co_await ReadMore();
    is_idle_ = false;
    if (!has_more) co_return false;
  }
  Incoming incoming(environment_);
  Outgoing outgoing;
  std::optional<HttpResponse> refusal = co_await ReadHead(incoming);
  if (!connection_->socket().is_open()) co_return false;
  HttpRequest& request = incoming.request;
  outgoing.is_head_request = request.method == "HEAD";
  Router::Match match;
  const bool has_head = !refusal.has_value();
  if (has_head) {
    request.remote_address = connection_->RemoteAddress();
    outgoing.can_chunk = incoming.parser().get().version() >= 11;
    match = environment_.router.Find(request.method, request.path, interfaces_);
    Admission admission = environment_.admit(request, match);
    outgoing.extra_headers = std::move(admission.response_headers);
    refusal = std::move(admission.refusal);
    if (!refusal.has_value() && match.route == nullptr) refusal = NoRoute(request, match);
  }
  if (!refusal.has_value()) {
    const size_t max_bytes = match.route->max_body_bytes > 0 ? match.route->max_body_bytes
                                                             : environment_.config.max_body_bytes;
    refusal = co_await ReadBody(incoming, max_bytes);
    if (!connection_->socket().is_open()) co_return false;
  }
  const bool is_read = incoming.parser().is_done();
  outgoing.keep_alive = has_head && is_read && incoming.parser().keep_alive();
  request.path_parameters = std::move(match.parameters);
  if (!refusal.has_value() && match.route->upgrade != nullptr &&
      match.route->upgrade->IsAskedFor(request)) {
    co_await SwitchProtocol(request, *match.route, outgoing);
    co_return false;
  }
  const auto exchange = std::make_shared<Exchange>(
      std::move(request), [weak = weak_from_this(), executor = wake_.get_executor()] {
        if (weak.expired()) return;
        asio::post(executor, [weak] {
          if (const auto session = weak.lock()) session->wake_.cancel();
        });
      });
  if (refusal.has_value()) exchange->Send(*std::move(refusal));
  co_await Answer(exchange, match, outgoing);
  Report(exchange->request(), match.route, outgoing);
  if (!is_read) co_await Linger();
  co_return outgoing.keep_alive && connection_->socket().is_open();
}

void Session::Report(const HttpRequest& request, const Route* route,
                     const Outgoing& outgoing) const {
  if (!environment_.on_exchange) return;
  environment_.on_exchange(
      {request, route == nullptr ? "" : route->pattern, outgoing.status, outgoing.num_bytes,
       std::chrono::duration<double, std::milli>(Clock::now() - outgoing.start).count()});
}

asio::awaitable<void> Session::SwitchProtocol(const HttpRequest& request, const Route& route,
                                              Outgoing& outgoing) {
  connection_->NeverExpires();
  // Named, as g++ 12 destroys an aggregate twice that is made inside a co_await expression.
  UpgradedConnection upgraded = {*connection_, request, outgoing.extra_headers, std::move(input_),
                                 environment_};
  const Upgrade::End end = co_await route.upgrade->Run(std::move(upgraded));
  outgoing.status = end.status;
  outgoing.num_bytes = end.num_bytes;
  Report(request, &route, outgoing);
}

asio::awaitable<std::optional<HttpResponse>> Session::ReadHead(Incoming& incoming) {
  connection_->ExpiresAfter(environment_.config.header_timeout);
  auto& parser = incoming.parser();
  while (!parser.is_header_done()) {
    ErrorCode error;
    input_.erase(0, parser.put(asio::buffer(input_), error));
    if (error == http::error::need_more) {
      if (co_await ReadMore()) continue;
      ErrorCode ignored;
      connection_->socket().close(ignored);
      co_return std::nullopt;
    }
    if (error == http::error::header_limit) {
      co_return PlainError(431,
                           fmt::format("the request's head is larger than the limit of {} bytes",
                                       environment_.config.max_header_bytes));
    }
    if (error) co_return PlainError(400, "no HTTP request: " + error.message());
  }
  co_return incoming.TakeHead();
}

asio::awaitable<std::optional<HttpResponse>> Session::ReadBody(Incoming& incoming,
                                                               size_t max_bytes) {
  auto& parser = incoming.parser();
  const HttpResponse no_memory =
      PlainError(503, "the server is reading too many large requests; try again later");
  const size_t stated = parser.content_length().value_or(0);
  if (stated > max_bytes) co_return TooLarge(max_bytes);
  if (!incoming.Hold(stated)) co_return no_memory;
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    Outgoing interim;
    if (!co_await WriteBytes("HTTP/1.1 100 Continue\r\n\r\n", interim)) co_return std::nullopt;
  }
  const Clock::time_point start = Clock::now();
  parser.eager(true);
  size_t num_read = 0;
  while (!parser.is_done()) {
    ErrorCode error;
    const size_t num_parsed = parser.put(asio::buffer(input_), error);
    input_.erase(0, num_parsed);
    num_read += num_parsed;
    const size_t size = parser.get().body().size();
    if (size > max_bytes || num_read > 2 * max_bytes + kReadBytes) co_return TooLarge(max_bytes);
    if (!incoming.Hold(size)) co_return no_memory;
    if (error && error != http::error::need_more) {
      co_return PlainError(400, "the body is not as its head says: " + error.message());
    }
    if (parser.is_done()) break;
    const milliseconds allowed =
        environment_.config.body_timeout + milliseconds(num_read * 1000 / kMinBytesPerSecond);
    const auto left = std::chrono::duration_cast<milliseconds>(start + allowed - Clock::now());
    connection_->ExpiresAfter(std::min(left, environment_.config.body_timeout));
    if (!co_await ReadMore()) {
      ErrorCode ignored;
      connection_->socket().close(ignored);
      co_return std::nullopt;
    }
  }
  incoming.TakeBody();
  co_return std::nullopt;
}

asio::awaitable<void> Session::Answer(const std::shared_ptr<Exchange>& exchange,
                                      const Router::Match& match, Outgoing& outgoing) {
  connection_->NeverExpires();
  // A refusal is there already, and wins over what the handler would send.
  Exchange::Pending refusal = exchange->Take();
  if (refusal.head.has_value()) {
    outgoing.status = refusal.head->status;
    co_await WriteHead(*refusal.head, false, outgoing);
    co_return;
  }
  if (match.route->is_inline) {
    match.route->handler(exchange);
  } else {
    environment_.run_handler([exchange, handler = &match.route->handler] { (*handler)(exchange); });
  }
  co_await Respond(*exchange, outgoing);
}

asio::awaitable<void> Session::Respond(Exchange& exchange, Outgoing& outgoing) {
  Clock::time_point last_write = Clock::now();
  bool is_open = true;
  while (is_open) {
    const Exchange::Pending pending = exchange.Take();
    if (pending.head.has_value()) {
      is_open = co_await WriteHead(*pending.head, pending.is_streamed, outgoing);
      last_write = Clock::now();
    }
    std::string bytes = pending.bytes;
    if (outgoing.is_chunked && !bytes.empty()) {
      bytes = fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
    }
    if (pending.ended && outgoing.is_chunked) bytes += "0\r\n\r\n";
    if (is_open && !bytes.empty() && !outgoing.is_head_request) {
      is_open = co_await WriteBytes(bytes, outgoing);
      last_write = Clock::now();
    }
    if (pending.ended) co_return;
    if (!is_open || connection_->PeerClosed()) break;
    if (pending.head.has_value() || !pending.bytes.empty()) continue;
    wake_.expires_after(kPeerCheckInterval);
    ErrorCode ignored;
    co_await wake_.async_wait(redirect_error(use_awaitable, ignored));
    const Exchange::KeepAlive keep_alive = exchange.keep_alive();
    if (outgoing.is_chunked && keep_alive.interval.count() > 0 &&
        Clock::now() - last_write >= keep_alive.interval) {
      is_open = co_await WriteBytes(
          fmt::format("{:x}\r\n{}\r\n", keep_alive.bytes.size(), keep_alive.bytes), outgoing);
      last_write = Clock::now();
    }
  }
  constexpr int kClientClosedRequest = 499;
  outgoing.status = kClientClosedRequest;
  outgoing.keep_alive = false;
  exchange.Disconnect();
  ErrorCode ignored;
  connection_->socket().close(ignored);
}

asio::awaitable<bool> Session::WriteHead(const HttpResponse& response, bool is_streamed,
                                         Outgoing& outgoing) {
  outgoing.status = response.status;
  if (environment_.draining) outgoing.keep_alive = false;
  if (is_streamed) {
    outgoing.is_chunked = outgoing.can_chunk;
    outgoing.keep_alive = outgoing.keep_alive && outgoing.is_chunked;
  }
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, StatusText(response.status));
  if (!response.content_type.empty()) {
    head += fmt::format("Content-Type: {}\r\n", response.content_type);
  }
  for (const HttpHeaders* headers : {&response.headers, &std::as_const(outgoing.extra_headers)}) {
    for (const auto& [name, value] : *headers) head += fmt::format("{}: {}\r\n", name, value);
  }
  if (outgoing.is_chunked) head += "Transfer-Encoding: chunked\r\n";
  constexpr int kNoContent = 204;
  if (!is_streamed && response.status != kNoContent) {
    head += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  head += outgoing.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (!is_streamed && !outgoing.is_head_request) head += response.body;
  return WriteBytes(head, outgoing);
}

asio::awaitable<bool> Session::WriteBytes(std::string bytes, Outgoing& outgoing) {
  connection_->ExpiresAfter(environment_.config.write_timeout);
  const ErrorCode error = co_await connection_->Write(asio::buffer(bytes));
  connection_->NeverExpires();
  if (!error) outgoing.num_bytes += bytes.size();
  co_return !error;
}

asio::awaitable<void> Session::Linger() {
  if (!connection_->socket().is_open()) co_return;
  connection_->ExpiresAfter(kMaxLingerTime);
  co_await connection_->FinishWriting();
  for (size_t num_bytes = 0; num_bytes < kMaxLingerBytes; num_bytes += input_.size()) {
    input_.clear();
    if (!co_await ReadMore()) co_return;
  }
}

}  // namespace mao
