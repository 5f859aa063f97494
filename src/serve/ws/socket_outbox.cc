#include "serve/ws/socket_outbox.h"

#include <utility>

namespace mao {

void SocketOutbox::Send(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (is_gone_ || is_overflowing_ || close_.has_value()) return;
    // One message may be larger than the limit: it is only what waits behind others that counts.
    if (num_bytes_ > 0 && num_bytes_ + text.size() > max_bytes_) {
      is_overflowing_ = true;
      messages_.clear();
      num_bytes_ = 0;
    } else {
      num_bytes_ += text.size();
      messages_.push_back(std::move(text));
    }
  }
  wake_();
}

void SocketOutbox::Close(int code, std::string reason) {
  constexpr size_t kMaxReasonBytes = 123;  // of a control frame
  {
    const std::lock_guard lock(mutex_);
    if (is_gone_ || close_.has_value()) return;
    if (reason.size() > kMaxReasonBytes) reason.resize(kMaxReasonBytes);
    close_ = {code, std::move(reason)};
  }
  wake_();
}

std::optional<std::string> SocketOutbox::Take() {
  const std::lock_guard lock(mutex_);
  if (messages_.empty()) return std::nullopt;
  std::string text = std::move(messages_.front());
  messages_.pop_front();
  num_bytes_ -= text.size();
  return text;
}

std::optional<SocketOutbox::CloseRequest> SocketOutbox::close() const {
  const std::lock_guard lock(mutex_);
  return messages_.empty() ? close_ : std::nullopt;
}

bool SocketOutbox::is_overflowing() const {
  const std::lock_guard lock(mutex_);
  return is_overflowing_;
}

void SocketOutbox::Disconnect() {
  const std::lock_guard lock(mutex_);
  is_gone_ = true;
  messages_.clear();
  num_bytes_ = 0;
}

}  // namespace mao
