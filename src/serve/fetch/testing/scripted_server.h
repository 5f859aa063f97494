// A TCP server for tests that answers each request by a script: also wrongly, slowly or not at all.
#ifndef MAOOCR_SERVE_FETCH_TESTING_SCRIPTED_SERVER_H_
#define MAOOCR_SERVE_FETCH_TESTING_SCRIPTED_SERVER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mao {

struct ScriptedRequest {
  std::string head;  // request line and headers
  std::string body;
  int connection = 0;  // which one, from 0

  std::string target() const;
  // The value of a header; empty if it is not there.
  std::string Header(std::string_view name) const;
};

class ScriptedServer;

// The connection of a request, for its script.
class ScriptedPeer {
 public:
  ScriptedPeer(ScriptedServer& server, int fd) : server_(server), fd_(fd) {}

  // False: the client has gone, or the server is stopping.
  bool Write(std::string_view bytes);
  // False as well.
  bool Sleep(std::chrono::milliseconds time);
  // Whether the client closes its side before the server stops.
  bool WaitForClose();
  // "HTTP/1.1 STATUS X", headers, Content-Length and body.
  bool Respond(int status, std::string_view body, const std::string& headers = "");
  // Ends the connection after this request.
  void Close() { is_closed_ = true; }
  bool is_closed() const { return is_closed_; }

 private:
  ScriptedServer& server_;
  const int fd_;
  bool is_closed_ = false;
};

class ScriptedServer {
 public:
  using Script = std::function<void(const ScriptedRequest& request, ScriptedPeer& peer)>;

  // Listens on a free port of `address` ("127.0.0.1", "::1"), or on `port`.
  explicit ScriptedServer(Script script, const char* address = "127.0.0.1", uint16_t port = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // 0: the address is not there.
  uint16_t port() const { return port_; }
  std::string url() const;  // "http://127.0.0.1:port"
  std::vector<ScriptedRequest> requests() const;
  int num_connections() const { return num_connections_; }

 private:
  friend class ScriptedPeer;

  void Accept();
  void Serve(int fd, int connection);
  bool ReadRequest(int fd, std::string& input, ScriptedRequest& request);
  // Until there is something to read, the client has closed, or the time is over. False: stopping.
  bool Wait(int fd, short events, int timeout_ms) const;

  const Script script_;
  std::string host_;
  int listener_ = -1;
  int stop_pipe_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> num_connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<ScriptedRequest> requests_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_TESTING_SCRIPTED_SERVER_H_
