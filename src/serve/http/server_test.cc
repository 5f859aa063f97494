#include "serve/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A socket that sends bytes as they are.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout = {20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  bool connected() const { return connected_; }

  Client& Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return *this;
  }
  // Until `end` has come, or the connection ends.
  std::string ReadUntil(std::string_view end) {
    while (input_.find(end) == std::string::npos && ReadSome()) {
    }
    const size_t found = input_.find(end);
    const size_t size = found == std::string::npos ? input_.size() : found + end.size();
    std::string result = input_.substr(0, size);
    input_.erase(0, size);
    return result;
  }
  // One response with a Content-Length, head and body.
  std::string ReadResponse() {
    std::string response = ReadUntil("\r\n\r\n");
    const size_t at = response.find("Content-Length: ");
    if (at == std::string::npos) return response;
    const size_t size = std::stoul(response.substr(at + 16));
    while (input_.size() < size && ReadSome()) {
    }
    response += input_.substr(0, size);
    input_.erase(0, size);
    return response;
  }
  std::string ReadAll() {
    while (ReadSome()) {
    }
    return std::move(input_);
  }

 private:
  bool ReadSome() {
    char buffer[4096];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (size <= 0) return false;
    input_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string input_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.listeners = {{"127.0.0.1", 0, {Interface::kOpenAi}}};
    config_.header_timeout = milliseconds(5'000);
    Add("GET", "/hello", [](const auto& exchange) {
      exchange->Send({200, "text/plain", "hello " + exchange->request().query, {}});
    });
    Add("POST", "/echo", [](const auto& exchange) {
      exchange->Send({200, "text/plain", exchange->request().body, {}});
    });
    Add("GET", "/items/{id}/parts", [](const auto& exchange) {
      exchange->Send({200, "text/plain", exchange->request().path_parameters.at("id"), {}});
    });
    Add("GET", "/stream", [this](const auto& exchange) {
      const std::lock_guard lock(mutex_);
      exchange->Begin({200, "text/event-stream", "data: 1\n\n", {}});
      exchange->OnDisconnect([this] { ++num_disconnects_; });
      stream_ = exchange;
      changed_.notify_all();
    });
    Add("GET", "/silent", [this](const auto& exchange) {
      const std::lock_guard lock(mutex_);
      exchange->OnDisconnect([this] { ++num_disconnects_; });
      stream_ = exchange;
      changed_.notify_all();
    });
  }
  void Add(const char* method, const char* pattern, Handler handler) {
    Route route;
    route.interface = Interface::kOpenAi;
    route.method = method;
    route.pattern = pattern;
    route.handler = std::move(handler);
    router_.Add(std::move(route));
  }
  void Start() {
    auto server = HttpServer::Start(
        config_, router_,
        [](HttpRequest& request, const Router::Match&) {
          Admission admission;
          if (request.path == "/forbidden") {
            admission.refusal = HttpResponse{403, "text/plain", "no", {}};
          }
          admission.response_headers = {{"X-Seen", request.method}};
          return admission;
        },
        [this](const HttpExchangeRecord& record) {
          const std::lock_guard lock(mutex_);
          statuses_.push_back(record.status);
          changed_.notify_all();
        });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
  }
  Client Connect() { return Client(server_->ports()[0]); }
  std::shared_ptr<Exchange> WaitForStream() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stream_ != nullptr; });
    return stream_;
  }
  void WaitForStatuses(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return statuses_.size() >= count; });
  }
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }

  HttpServerConfig config_;
  Router router_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Exchange> stream_;
  std::vector<int> statuses_;
  std::atomic<int> num_disconnects_ = 0;
  std::unique_ptr<HttpServer> server_;  // last: its handlers use the others
};

TEST_F(HttpServerTest, SeveralRequestsOnOneConnection) {
  Start();
  Client client(server_->ports()[0]);
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /hello?a=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string response = client.ReadResponse();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("X-Seen: GET\r\n"));
    EXPECT_THAT(response, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_THAT(response, EndsWith("hello a=" + std::to_string(i)));
  }
  client.Send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), EndsWith("hello "));
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  Client client(server_->ports()[0]);
  client.Send(
      "GET /hello?1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\n"
      "Content-Length: 3\r\n\r\nabcGET /hello?2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), EndsWith("hello 1"));
  EXPECT_THAT(client.ReadResponse(), EndsWith("\r\n\r\nabc"));
  EXPECT_THAT(client.ReadResponse(), EndsWith("hello 2"));
}

TEST_F(HttpServerTest, BodiesByLengthByChunksAndByteByByte) {
  Start();
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n";
  Client client(server_->ports()[0]);
  EXPECT_THAT(client.Send(chunked).ReadResponse(), EndsWith("\r\n\r\nabcde"));
  for (const char byte : chunked) client.Send(std::string_view(&byte, 1));
  EXPECT_THAT(client.ReadResponse(), EndsWith("\r\n\r\nabcde"));
  const std::string large(3'000'000, 'x');
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + large);
  EXPECT_THAT(client.ReadResponse(), EndsWith(large.substr(0, 100)));
}

TEST_F(HttpServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  Start();
  Client client(server_->ports()[0]);
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.Send("ok").ReadResponse(), EndsWith("\r\n\r\nok"));
}

TEST_F(HttpServerTest, TooLargeBodiesAreRefusedWithTheLimit) {
  config_.max_body_bytes = 1000;
  Start();
  Client by_length(server_->ports()[0]);
  by_length.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" +
                 std::string(5'000'000, 'x'));
  const std::string response = by_length.ReadAll();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(response, HasSubstr("limit of 1000 bytes"));
  Client by_chunks(server_->ports()[0]);
  by_chunks.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 200; ++i) by_chunks.Send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_THAT(by_chunks.ReadAll(), StartsWith("HTTP/1.1 413 "));
  // One that a refusal by its size must not be mistaken for.
  Client endless_chunk(server_->ports()[0]);
  endless_chunk.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n");
  endless_chunk.Send(std::string(200'000, 'x'));
  EXPECT_THAT(endless_chunk.ReadAll(), StartsWith("HTTP/1.1 4"));
}

TEST_F(HttpServerTest, AllBodiesTogetherAreBounded) {
  config_.max_bodies_bytes = 10'000;
  Start();
  Client holder(server_->ports()[0]);
  holder.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n");
  Client other(server_->ports()[0]);
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x');
  EXPECT_TRUE(Eventually([&] {
    Client client(server_->ports()[0]);
    return client.Send(request).ReadAll().starts_with("HTTP/1.1 503 ");
  }));
  EXPECT_THAT(holder.Send(std::string(9000, 'y')).ReadResponse(), StartsWith("HTTP/1.1 200 "));
  holder.Close();
  EXPECT_TRUE(Eventually([&] {
    Client client(server_->ports()[0]);
    return client.Send(request).ReadResponse().starts_with("HTTP/1.1 200 ");
  }));
}

TEST_F(HttpServerTest, WrongRequestsAreRefusedAndTheConnectionCloses) {
  Start();
  const std::pair<const char*, const char*> kWrong[] = {
      {"nonsense\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\n\r\n", "400"},                        // no Host
      {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},  // two
      {"GET /hello HTTP/3.0\r\nHost: x\r\n\r\n", "400"},
      {"GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", "400"},  // a space
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      // The shapes of request smuggling.
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
       "0\r\n\r\n",
       "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
       "0\r\n\r\n",
       "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", "400"},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n\x01: c\r\n\r\n", "400"},
  };
  for (const auto& [request, status] : kWrong) {
    Client client(server_->ports()[0]);
    const std::string response = client.Send(request).ReadAll();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 " + std::string(status))) << request;
    EXPECT_EQ(response.find("HTTP/1.1", 8), std::string::npos) << request;
  }
  Client client(server_->ports()[0]);
  EXPECT_THAT(client.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse(),
              EndsWith("hello "));
}

TEST_F(HttpServerTest, LargeHeadsAreRefused) {
  config_.max_header_bytes = 2000;
  Start();
  Client client(server_->ports()[0]);
  client.Send("GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(4000, 'a') + "\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, SlowHeadsAndBodiesAreCutOff) {
  config_.header_timeout = milliseconds(100);
  config_.body_timeout = milliseconds(100);
  Start();
  Client head(server_->ports()[0]);
  EXPECT_EQ(head.Send("GET /hello HTTP/1.1\r\nHost:").ReadAll(), "");
  Client body(server_->ports()[0]);
  body.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_EQ(body.ReadAll(), "");
  // A byte now and then does not keep it alive.
  Client drip(server_->ports()[0]);
  drip.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  std::atomic<bool> is_cut = false;
  std::thread dripping([&] {
    while (!is_cut) {
      drip.Send("x");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  EXPECT_EQ(drip.ReadAll(), "");
  is_cut = true;
  dripping.join();
}

TEST_F(HttpServerTest, UnknownPathsAndMethods) {
  Start();
  Client client(server_->ports()[0]);
  EXPECT_THAT(client.Send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse(),
              StartsWith("HTTP/1.1 404 "));
  const std::string response =
      client.Send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response, HasSubstr("Allow: GET\r\n"));
  EXPECT_THAT(client.Send("GET /forbidden HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse(),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(client.Send("GET /items/a%2Fb/parts HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse(),
              StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(client.Send("GET /items/a%20b/parts HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse(),
              EndsWith("\r\n\r\na b"));
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Start();
  Client client(server_->ports()[0]);
  client.Send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string response = client.ReadAll();
  EXPECT_THAT(response, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, StreamsAreChunked) {
  Start();
  Client client(server_->ports()[0]);
  client.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.ReadUntil("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  const std::shared_ptr<Exchange> stream = WaitForStream();
  stream->Write("data: 2\n\n");
  EXPECT_EQ(client.ReadUntil("2\n\n\r\n"), "9\r\ndata: 2\n\n\r\n");
  stream->End();
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
  client.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");  // the connection goes on
  EXPECT_THAT(client.ReadResponse(), EndsWith("hello "));
}

TEST_F(HttpServerTest, StreamsToHttp10EndWithTheConnection) {
  Start();
  Client client(server_->ports()[0]);
  client.Send("GET /stream HTTP/1.0\r\n\r\n");
  WaitForStream()->Write("data: 2\n\n");
  WaitForStream()->End();
  const std::string response = client.ReadAll();
  EXPECT_EQ(response.find("chunked"), std::string::npos);
  EXPECT_THAT(response, EndsWith("\r\n\r\ndata: 1\n\ndata: 2\n\n"));
}

TEST_F(HttpServerTest, SilentStreamsShowSignsOfLife) {
  Start();
  Client client(server_->ports()[0]);
  client.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  WaitForStream()->SetKeepAlive(": alive\n\n", milliseconds(1));
  EXPECT_THAT(client.ReadUntil(": alive\n\n"), HasSubstr("data: 1"));
  EXPECT_THAT(client.ReadUntil(": alive\n\n"), EndsWith(": alive\n\n"));
}

TEST_F(HttpServerTest, AClientThatGoesAwayIsNoticed) {
  Start();
  for (const char* path : {"/stream", "/silent"}) {
    Client client(server_->ports()[0]);
    const int before = num_disconnects_;
    stream_ = nullptr;
    client.Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    WaitForStream();
    client.Close();
    EXPECT_TRUE(Eventually([&] { return num_disconnects_ == before + 1; })) << path;
  }
  WaitForStatuses(2);
  EXPECT_EQ(statuses_, (std::vector<int>{499, 499}));
  EXPECT_TRUE(Eventually([&] { return server_->num_connections() == 0; }));
}

TEST_F(HttpServerTest, ALateAnswerToAClosedConnectionIsDropped) {
  Start();
  {
    Client client(server_->ports()[0]);
    client.Send("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");
    WaitForStream();
  }
  EXPECT_TRUE(Eventually([&] { return server_->num_connections() == 0; }));
  stream_->Send({200, "text/plain", "late", {}});
  server_.reset();
  stream_->Write("later still");
}

TEST_F(HttpServerTest, ConnectionsAreLimited) {
  config_.max_connections = 2;
  Start();
  Client a(server_->ports()[0]);
  Client b(server_->ports()[0]);
  const std::string request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_THAT(a.Send(request).ReadResponse(), EndsWith("hello "));
  EXPECT_THAT(b.Send(request).ReadResponse(), EndsWith("hello "));
  Client c(server_->ports()[0]);
  EXPECT_EQ(c.Send(request).ReadAll(), "");
  a.Close();
  EXPECT_TRUE(Eventually([&] {
    Client d(server_->ports()[0]);
    return d.Send(request).ReadResponse().ends_with("hello ");
  }));
}

TEST_F(HttpServerTest, DrainFinishesWhatRunsAndClosesTheRest) {
  Start();
  const uint16_t port = server_->ports()[0];
  Client idle(port);
  idle.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ReadResponse();
  Client busy(port);
  busy.Send("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::shared_ptr<Exchange> exchange = WaitForStream();
  server_->Drain();
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_TRUE(Eventually([&] { return !Client(port).connected(); }));
  exchange->Send({200, "text/plain", "done", {}});
  const std::string response = busy.ReadAll();
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_THAT(response, EndsWith("done"));
  EXPECT_TRUE(Eventually([&] { return server_->num_connections() == 0; }));
}

TEST_F(HttpServerTest, APortInUseIsNamed) {
  Start();
  config_.listeners[0].port = server_->ports()[0];
  const auto second = HttpServer::Start(config_, router_, nullptr, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), HasSubstr(std::to_string(server_->ports()[0])));
}

TEST_F(HttpServerTest, WrongCertificatesAreNamed) {
  config_.tls_certificate_file = "/nonexistent/server.pem";
  config_.tls_key_file = "/nonexistent/server.key";
  const auto server = HttpServer::Start(config_, router_, nullptr, nullptr);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.status().message(), HasSubstr("/nonexistent/server.pem"));
}

}  // namespace
}  // namespace mao
