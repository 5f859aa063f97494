// For tests of protocols: a WebSocket that keeps what is sent.
#ifndef MAOOCR_SERVE_WS_TESTING_RECORDING_SOCKET_H_
#define MAOOCR_SERVE_WS_TESTING_RECORDING_SOCKET_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/ws/web_socket.h"

namespace mao {

class RecordingSocket final : public WebSocket {
 public:
  using Json = nlohmann::json;

  // Sees every message before those who wait. Set before there are any.
  std::function<void(const Json&)> on_send;

  void Send(std::string text) override {
    Json message = Json::parse(text);
    if (on_send) on_send(message);
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_all();
  }
  void Close(int, std::string) override {}

  // Waits for a message that `is_wanted`, and returns all up to it, which are then forgotten.
  std::vector<Json> WaitFor(const std::function<bool(const Json&)>& is_wanted) {
    std::unique_lock lock(mutex_);
    while (true) {
      for (size_t i = 0; i < messages_.size(); ++i) {
        if (!is_wanted(messages_[i])) continue;
        const auto end = messages_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
        std::vector<Json> found(messages_.begin(), end);
        messages_.erase(messages_.begin(), end);
        return found;
      }
      changed_.wait(lock);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> messages_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_TESTING_RECORDING_SOCKET_H_
