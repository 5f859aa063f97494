// What is to be sent to one client, between the threads that send and the one that writes.
#ifndef MAOOCR_SERVE_WS_SOCKET_OUTBOX_H_
#define MAOOCR_SERVE_WS_SOCKET_OUTBOX_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "serve/ws/web_socket.h"

namespace mao {

class SocketOutbox final : public WebSocket {
 public:
  struct CloseRequest {
    int code;
    std::string reason;
  };

  // `wake` tells the writer that there is something; it must not call back.
  SocketOutbox(size_t max_bytes, std::function<void()> wake)
      : max_bytes_(max_bytes), wake_(std::move(wake)) {}

  void Send(std::string text) override;
  void Close(int code, std::string reason) override;

  // For the writer. The next message; nullopt when there is none.
  std::optional<std::string> Take();
  // Asked for, and due: all messages have been taken.
  std::optional<CloseRequest> close() const;
  // More than max_bytes waited: the socket is to be cut off.
  bool is_overflowing() const;
  // The client has gone: drops everything from now on.
  void Disconnect();

 private:
  const size_t max_bytes_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<std::string> messages_;
  size_t num_bytes_ = 0;
  bool is_overflowing_ = false;
  bool is_gone_ = false;
  std::optional<CloseRequest> close_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_SOCKET_OUTBOX_H_
