#include "serve/ws/web_socket_upgrade.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/http/server.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

enum Opcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

struct Frame {
  int opcode = -1;
  std::string payload;
  int close_code() const {
    return payload.size() < 2
               ? 0
               : static_cast<uint8_t>(payload[0]) << 8 | static_cast<uint8_t>(payload[1]);
  }
};

// A client that also sends what it must not.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout = {60, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // False: the connection is closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // The head of the answer.
  std::string Ask(const std::string& request) {
    Send(request);
    while (input_.find("\r\n\r\n") == std::string::npos && ReadSome()) {
    }
    const size_t end = std::min(input_.find("\r\n\r\n") + 4, input_.size());
    const std::string head = input_.substr(0, end);
    input_.erase(0, end);
    return head;
  }
  std::string Open(const std::string& path, const std::string& headers = "",
                   const std::string& more = "") {
    return Ask("GET " + path +
               " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
               headers + "\r\n" + more);
  }
  static std::string MakeFrame(uint8_t opcode, std::string_view payload, bool is_final = true,
                               bool is_masked = true) {
    std::string frame(1, static_cast<char>(opcode | (is_final ? 0x80 : 0)));
    const uint8_t mask_bit = is_masked ? 0x80 : 0;
    if (payload.size() < 126) {
      frame += static_cast<char>(payload.size() | mask_bit);
    } else {
      const bool is_short = payload.size() < 65536;
      frame += static_cast<char>((is_short ? 126 : 127) | mask_bit);
      for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) {
        frame += static_cast<char>(payload.size() >> shift);
      }
    }
    constexpr char kMask[] = {1, 2, 3, 4};
    if (is_masked) frame.append(kMask, sizeof(kMask));
    for (size_t i = 0; i < payload.size(); ++i) {
      frame += static_cast<char>(payload[i] ^ (is_masked ? kMask[i % 4] : 0));
    }
    return frame;
  }
  bool SendFrame(uint8_t opcode, std::string_view payload, bool is_final = true) {
    return Send(MakeFrame(opcode, payload, is_final));
  }
  // Opcode -1: the connection is closed.
  Frame Read() {
    if (!Fill(2)) return {};
    Frame frame;
    frame.opcode = input_[0] & 15;
    uint64_t size = input_[1] & 127;
    size_t head = 2;
    if (size >= 126) {
      head += size == 126 ? 2 : 8;
      if (!Fill(head)) return {};
      size = 0;
      for (size_t i = 2; i < head; ++i) size = size << 8 | static_cast<uint8_t>(input_[i]);
    }
    if (!Fill(head + size)) return {};
    frame.payload = input_.substr(head, size);
    input_.erase(0, head + size);
    return frame;
  }
  // The next frame that is no ping.
  Frame ReadMessage() {
    Frame frame = Read();
    while (frame.opcode == kPing) frame = Read();
    return frame;
  }

 private:
  bool Fill(size_t size) {
    while (input_.size() < size) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  bool ReadSome() {
    char buffer[1 << 16];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (size <= 0) return false;
    input_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  std::string input_;
};

// Says everything back; "close" closes, "flood" sends without end, "hold" is busy.
class EchoSession final : public WebSocketSession {
 public:
  struct State {
    std::atomic<int> num_opened = 0;
    std::atomic<int> num_closed = 0;
    std::atomic<bool> is_flooding = false;
  };

  EchoSession(State& state, std::shared_ptr<WebSocket> socket)
      : state_(state), socket_(std::move(socket)) {
    ++state_.num_opened;
  }
  void OnMessage(std::string text) override {
    if (text == "throw") throw std::runtime_error("as asked");
    if (text == "close") return socket_->Close(4321, "as asked");
    is_busy_ = text == "hold";
    if (text == "flood") {
      for (int i = 0; i < 1000; ++i) socket_->Send(std::string(1 << 16, 'x'));
    }
    socket_->Send(std::move(text));
  }
  void OnClose() override { ++state_.num_closed; }
  bool is_idle() const override { return !is_busy_; }

 private:
  State& state_;
  const std::shared_ptr<WebSocket> socket_;
  std::atomic<bool> is_busy_ = false;
};

class WebSocketUpgradeTest : public testing::Test {
 protected:
  void Start(WebSocketOptions options = {}) {
    router_.Add(
        WebSocketRoute("/echo/{name}", options,
                       [this](const HttpRequest& request, std::shared_ptr<WebSocket> socket) {
                         name_ = request.path_parameters.at("name");
                         return std::make_shared<EchoSession>(state_, std::move(socket));
                       }));
    config_.listeners = {{"127.0.0.1", 0, {Interface::kWebSocket}}};
    auto started = HttpServer::Start(
        config_, router_,
        [](HttpRequest&, const Router::Match&) {
          return Admission{std::nullopt, {{"X-Request-Id", "abc"}}};
        },
        [this](const HttpExchangeRecord& record) {
          const std::lock_guard lock(mutex_);
          statuses_.push_back(record.status);
        });
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(started).value();
    port_ = server_->ports().front();
  }
  // A client whose socket is open.
  std::unique_ptr<Client> Open() {
    auto client = std::make_unique<Client>(port_);
    EXPECT_THAT(client->Open("/echo/x"), StartsWith("HTTP/1.1 101"));
    return client;
  }
  template <typename Condition>
  static void WaitUntil(const Condition& condition) {
    while (!condition()) std::this_thread::sleep_for(milliseconds(1));
  }
  void ExpectClosed(Client& client, int code) {
    Frame frame = client.ReadMessage();
    EXPECT_EQ(frame.opcode, kClose);
    EXPECT_EQ(frame.close_code(), code) << frame.payload;
    client.SendFrame(kClose, frame.payload.substr(0, 2));
    EXPECT_EQ(client.Read().opcode, -1);
    WaitUntil([&] { return state_.num_closed == state_.num_opened; });
  }
  // The connection is cut, with or without a word.
  void ExpectCutOff(Client& client) {
    Frame frame = client.Read();
    while (frame.opcode == kPong || frame.opcode == kPing || frame.opcode == kText) {
      frame = client.Read();
    }
    if (frame.opcode == kClose) {
      client.SendFrame(kClose, frame.payload.substr(0, 2));
      frame = client.Read();
    }
    EXPECT_EQ(frame.opcode, -1);
    WaitUntil([&] { return state_.num_closed == state_.num_opened; });
  }

  HttpServerConfig config_;
  Router router_;
  EchoSession::State state_;
  std::string name_;
  std::mutex mutex_;
  std::vector<int> statuses_;
  uint16_t port_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(WebSocketUpgradeTest, Echo) {
  Start();
  Client client(port_);
  const std::string head = client.Open("/echo/me");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Request-Id: abc\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Sec-WebSocket-Extensions")));
  for (const std::string& text :
       {std::string("hello"), std::string("\xE6\xBC\xA2\xF0\x9F\x98\x80"), std::string(),
        std::string(300, 'x'), std::string(200'000, 'y')}) {
    client.SendFrame(kText, text);
    const Frame frame = client.Read();
    EXPECT_EQ(frame.opcode, kText);
    EXPECT_EQ(frame.payload, text);
  }
  EXPECT_EQ(name_, "me");
  client.SendFrame(kClose, "\x03\xE8");
  EXPECT_EQ(client.Read().close_code(), 1000);
  EXPECT_EQ(client.Read().opcode, -1);
  WaitUntil([&] { return state_.num_closed == 1; });
  WaitUntil([&] {
    const std::lock_guard lock(mutex_);
    return statuses_ == std::vector<int>{101};
  });
}

TEST_F(WebSocketUpgradeTest, MessagesThatComeWithTheRequest) {
  Start();
  Client client(port_);
  const std::string frames = Client::MakeFrame(kText, "one") + Client::MakeFrame(kText, "two");
  EXPECT_THAT(client.Open("/echo/x", "", frames), StartsWith("HTTP/1.1 101 "));
  EXPECT_EQ(client.Read().payload, "one");
  EXPECT_EQ(client.Read().payload, "two");
}

TEST_F(WebSocketUpgradeTest, FragmentsAndPingsAmongThem) {
  Start();
  const auto client = Open();
  client->SendFrame(kText, "a", false);
  client->SendFrame(kPing, "are you there");
  client->SendFrame(kContinuation, "", false);
  client->SendFrame(kContinuation, "b", false);
  client->SendFrame(kContinuation, "c");
  Frame frame = client->Read();
  EXPECT_EQ(frame.opcode, kPong);
  EXPECT_EQ(frame.payload, "are you there");
  EXPECT_EQ(client->Read().payload, "abc");
  // One byte at a time.
  for (const char c : Client::MakeFrame(kText, "slowly")) client->Send(std::string(1, c));
  EXPECT_EQ(client->Read().payload, "slowly");
}

TEST_F(WebSocketUpgradeTest, RequestsThatAreNone) {
  Start();
  const std::pair<const char*, const char*> rows[] = {
      {"", "HTTP/1.1 426"},
      {"Upgrade: h2c\r\nConnection: Upgrade\r\n", "HTTP/1.1 426"},
      {"Upgrade: websocket\r\n", "HTTP/1.1 400"},
      {"Upgrade: websocket\r\nConnection: Upgrade\r\n", "HTTP/1.1 400"},
      {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
       "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n",
       "HTTP/1.1 426"},
  };
  for (const auto& [headers, answer] : rows) {
    Client client(port_);
    EXPECT_THAT(
        client.Ask(std::string("GET /echo/x HTTP/1.1\r\nHost: localhost\r\n") + headers + "\r\n"),
        StartsWith(answer))
        << headers;
  }
  EXPECT_EQ(state_.num_opened, 0);
}

TEST_F(WebSocketUpgradeTest, Subprotocols) {
  WebSocketOptions options;
  options.subprotocols = {"graphql-transport-ws", "other"};
  Start(options);
  Client known(port_);
  EXPECT_THAT(
      known.Open("/echo/x", "Sec-WebSocket-Protocol: unknown, other,graphql-transport-ws\r\n"),
      HasSubstr("Sec-WebSocket-Protocol: other\r\n"));
  Client unknown(port_);
  EXPECT_THAT(unknown.Open("/echo/x", "Sec-WebSocket-Protocol: unknown\r\n"),
              Not(HasSubstr("Sec-WebSocket-Protocol")));
}

TEST_F(WebSocketUpgradeTest, ProtocolsMayClose) {
  Start();
  const auto client = Open();
  client->SendFrame(kText, "close");
  ExpectClosed(*client, 4321);
}

TEST_F(WebSocketUpgradeTest, WrongFrames) {
  Start();
  const std::string rows[] = {
      Client::MakeFrame(kText, "unmasked", true, false),
      Client::MakeFrame(kText | 0x40, "reserved bit"),
      Client::MakeFrame(3, "reserved opcode"),
      Client::MakeFrame(kContinuation, "of nothing"),
      Client::MakeFrame(kText, "a", false) + Client::MakeFrame(kText, "inside"),
      Client::MakeFrame(kPing, "fragmented", false),
      Client::MakeFrame(kPing, std::string(126, 'x')),
      Client::MakeFrame(kClose, "x"),
      std::string("\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x02\x03\x04", 14),
  };
  for (const std::string& bytes : rows) {
    const auto client = Open();
    client->Send(bytes);
    ExpectCutOff(*client);
  }
}

TEST_F(WebSocketUpgradeTest, TextMustBeUtf8) {
  Start();
  for (const char* text : {"\xFF", "\xC0\xAF", "\xED\xA0\x80"}) {
    const auto client = Open();
    client->SendFrame(kText, text);
    ExpectClosed(*client, 1007);
  }
  const auto cut = Open();
  cut->SendFrame(kText, "\xE6\xBC");
  ExpectClosed(*cut, 1007);
}

TEST_F(WebSocketUpgradeTest, BinaryMessagesAreRefused) {
  Start();
  const auto client = Open();
  client->SendFrame(kBinary, "x");
  ExpectClosed(*client, 1003);
}

TEST_F(WebSocketUpgradeTest, MessagesAreLimited) {
  WebSocketOptions options;
  options.max_message_bytes = 1000;
  Start(options);
  auto exact = Open();
  exact->SendFrame(kText, std::string(1000, 'x'));
  EXPECT_EQ(exact->Read().payload.size(), 1000);
  exact.reset();
  const auto large = Open();
  large->SendFrame(kText, std::string(1001, 'x'));
  ExpectCutOff(*large);
  const auto fragments = Open();
  fragments->SendFrame(kText, std::string(600, 'x'), false);
  fragments->SendFrame(kContinuation, std::string(600, 'x'), false);
  ExpectCutOff(*fragments);
}

TEST_F(WebSocketUpgradeTest, MessagesShareTheMemoryForBodies) {
  config_.max_bodies_bytes = 100'000;
  Start();
  const auto client = Open();
  client->SendFrame(kText, std::string(150'000, 'x'));
  ExpectClosed(*client, 1013);
  const auto other = Open();  // the memory is free again
  other->SendFrame(kText, std::string(90'000, 'x'));
  EXPECT_EQ(other->Read().payload.size(), 90'000);
}

TEST_F(WebSocketUpgradeTest, FloodsOfEmptyFramesAreCutOff) {
  Start();
  for (const bool is_ping : {true, false}) {
    const auto client = Open();
    if (!is_ping) client->SendFrame(kText, "a", false);
    const std::string frame =
        Client::MakeFrame(is_ping ? kPing : kContinuation, "", false | is_ping);
    std::string burst;
    for (int i = 0; i < 1000; ++i) burst += frame;
    std::thread reader([&] { ExpectCutOff(*client); });
    while (client->Send(burst)) {
    }
    reader.join();
  }
}

TEST_F(WebSocketUpgradeTest, AClientThatDoesNotReadIsCutOff) {
  WebSocketOptions options;
  options.max_queued_bytes = 1 << 20;
  Start(options);
  const auto client = Open();
  client->SendFrame(kText, "flood");  // 64 MB
  WaitUntil([&] { return state_.num_closed == 1; });
}

TEST_F(WebSocketUpgradeTest, PingsKeepASocketOpen) {
  WebSocketOptions options;
  options.idle_timeout = std::chrono::seconds(1);
  Start(options);
  const auto client = Open();
  for (int i = 0; i < 4; ++i) {
    const Frame frame = client->Read();
    ASSERT_EQ(frame.opcode, kPing);
    client->SendFrame(kPong, frame.payload);
  }
  client->SendFrame(kText, "still here");
  EXPECT_EQ(client->ReadMessage().payload, "still here");
  // Without an answer the socket is given up.
  ExpectCutOff(*client);
}

TEST_F(WebSocketUpgradeTest, AClientThatVanishesIsNoticed) {
  Start();
  auto client = Open();
  client->SendFrame(kText, "hold");
  EXPECT_EQ(client->Read().payload, "hold");
  client->Close();
  WaitUntil([&] { return state_.num_closed == 1; });
}

TEST_F(WebSocketUpgradeTest, AnExceptionEndsOneSocketOnly) {
  Start();
  const auto other = Open();
  const auto client = Open();
  client->SendFrame(kText, "throw");
  const Frame frame = client->Read();
  EXPECT_EQ(frame.close_code(), 1011);
  other->SendFrame(kText, "fine");
  EXPECT_EQ(other->Read().payload, "fine");
}

TEST_F(WebSocketUpgradeTest, DrainingClosesIdleSocketsAndWaitsForBusyOnes) {
  Start();
  const auto idle = Open();
  const auto busy = Open();
  busy->SendFrame(kText, "hold");
  EXPECT_EQ(busy->Read().payload, "hold");
  server_->Drain();
  const Frame frame = idle->ReadMessage();
  EXPECT_EQ(frame.close_code(), 1001);
  idle->SendFrame(kClose, frame.payload.substr(0, 2));
  busy->SendFrame(kText, "done");
  EXPECT_EQ(busy->ReadMessage().payload, "done");
  ExpectClosed(*busy, 1001);
  WaitUntil([&] { return server_->num_connections() == 0; });
}

TEST_F(WebSocketUpgradeTest, StoppingTellsEverySession) {
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(Open());
    clients.back()->SendFrame(kText, "hold");
    EXPECT_EQ(clients.back()->Read().payload, "hold");
  }
  server_.reset();
  EXPECT_EQ(state_.num_closed, 5);
}

TEST_F(WebSocketUpgradeTest, ManySocketsAtOnce) {
  Start();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) {
        const auto client = Open();
        for (int m = 0; m < 20; ++m) {
          const std::string text = std::to_string(i * 1000 + m);
          client->SendFrame(kText, text);
          EXPECT_EQ(client->Read().payload, text);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  WaitUntil([&] { return state_.num_closed == 40; });
}

}  // namespace
}  // namespace mao
