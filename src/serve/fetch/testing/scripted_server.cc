#include "serve/fetch/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr size_t kBuffer = 1 << 16;

}  // namespace

std::string ScriptedRequest::target() const {
  const size_t begin = head.find(' ') + 1;
  return head.substr(begin, head.find(' ', begin) - begin);
}

std::string ScriptedRequest::Header(std::string_view name) const {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
    at += 2;
    if (strncasecmp(head.c_str() + at, name.data(), name.size()) != 0) continue;
    if (head[at + name.size()] != ':') continue;
    const size_t begin = head.find_first_not_of(' ', at + name.size() + 1);
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  return "";
}

bool ScriptedPeer::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!server_.Wait(fd_, POLLOUT, -1)) return false;
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      is_closed_ = true;
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool ScriptedPeer::Sleep(std::chrono::milliseconds time) {
  pollfd fds[] = {{fd_, POLLRDHUP, 0}, {server_.stop_pipe_[0], POLLIN, 0}};
  return poll(fds, 2, static_cast<int>(time.count())) == 0;
}

bool ScriptedPeer::WaitForClose() {
  pollfd fds[] = {{fd_, POLLRDHUP, 0}, {server_.stop_pipe_[0], POLLIN, 0}};
  poll(fds, 2, -1);
  is_closed_ = true;
  return fds[0].revents != 0;
}

bool ScriptedPeer::Respond(int status, std::string_view body, const std::string& headers) {
  return Write(fmt::format("HTTP/1.1 {} X\r\n{}Content-Length: {}\r\n\r\n{}", status, headers,
                           body.size(), body));
}

ScriptedServer::ScriptedServer(Script script, const char* address, uint16_t port)
    : script_(std::move(script)), host_(address) {
  const bool is_v6 = host_.find(':') != std::string::npos;
  sockaddr_in6 v6 = {};
  sockaddr_in v4 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  inet_pton(is_v6 ? AF_INET6 : AF_INET, address,
            is_v6 ? static_cast<void*>(&v6.sin6_addr) : static_cast<void*>(&v4.sin_addr));
  auto* const name = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
  if (pipe(stop_pipe_) != 0) std::abort();
  listener_ = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(listener_, name, size) != 0 || listen(listener_, 64) != 0) return;
  getsockname(listener_, name, &size);
  port_ = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  close(stop_pipe_[1]);
  if (acceptor_.joinable()) acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
  close(stop_pipe_[0]);
}

std::string ScriptedServer::url() const {
  const bool is_v6 = host_.find(':') != std::string::npos;
  return is_v6 ? fmt::format("http://[{}]:{}", host_, port_)
               : fmt::format("http://{}:{}", host_, port_);
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedServer::Wait(int fd, short events, int timeout_ms) const {
  pollfd fds[] = {{fd, events, 0}, {stop_pipe_[0], POLLIN, 0}};
  poll(fds, 2, timeout_ms);
  return !stopping_;
}

void ScriptedServer::Accept() {
  while (Wait(listener_, POLLIN, -1)) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    connections_.emplace_back([this, fd, connection = num_connections_++] {
      Serve(fd, connection);
      close(fd);
    });
  }
}

bool ScriptedServer::ReadRequest(int fd, std::string& input, ScriptedRequest& request) {
  size_t size = std::string::npos;  // of the whole request
  while (input.size() < size) {
    const size_t end = input.find("\r\n\r\n");
    if (end != std::string::npos && request.head.empty()) {
      request.head = input.substr(0, end + 2);
      size = end + 4 + std::strtoul(request.Header("Content-Length").c_str(), nullptr, 10);
      if (!request.Header("Expect").empty()) {
        ScriptedPeer(*this, fd).Write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      continue;
    }
    if (!Wait(fd, POLLIN, -1)) return false;
    char buffer[kBuffer];
    const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    input.append(buffer, static_cast<size_t>(count));
  }
  const size_t body_at = request.head.size() + 2;
  request.body = input.substr(body_at, size - body_at);
  input.erase(0, size);
  return true;
}

void ScriptedServer::Serve(int fd, int connection) {
  std::string input;
  ScriptedPeer peer(*this, fd);
  while (!peer.is_closed()) {
    ScriptedRequest request;
    request.connection = connection;
    if (!ReadRequest(fd, input, request)) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    script_(request, peer);
  }
}

}  // namespace mao
