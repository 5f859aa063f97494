#include "serve/http/exchange.h"

#include <utility>

namespace mao {

void Exchange::Send(HttpResponse response) {
  {
    const std::lock_guard lock(mutex_);
    if (begun_) return;
    begun_ = true;
    pending_.head = std::move(response);
    pending_.ended = true;
  }
  wake_();
}

void Exchange::Begin(HttpResponse head) {
  {
    const std::lock_guard lock(mutex_);
    if (begun_) return;
    begun_ = true;
    pending_.bytes = std::move(head.body);
    head.body.clear();
    pending_.head = std::move(head);
    pending_.is_streamed = true;
  }
  wake_();
}

void Exchange::Write(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    pending_.bytes += bytes;
  }
  wake_();
}

void Exchange::End() {
  {
    const std::lock_guard lock(mutex_);
    pending_.ended = true;
  }
  wake_();
}

void Exchange::SetKeepAlive(std::string bytes, std::chrono::milliseconds interval) {
  const std::lock_guard lock(mutex_);
  keep_alive_ = {std::move(bytes), interval};
}

void Exchange::SetProgress(int64_t num_done, int64_t num_total) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    pending_.progress = {num_done, num_total};
  }
  wake_();
}

void Exchange::OnDisconnect(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    // It may hold what holds this exchange: one that comes late would keep both for ever.
    if (is_over_) return;
    if (!gone_) {
      on_disconnect_ = std::move(callback);
      return;
    }
  }
  callback();
}

Exchange::Pending Exchange::Take() {
  const std::lock_guard lock(mutex_);
  Pending taken = std::move(pending_);
  pending_ = {};
  pending_.ended = false;
  if (taken.ended) {
    is_over_ = true;
    on_disconnect_ = nullptr;
  }
  return taken;
}

Exchange::KeepAlive Exchange::keep_alive() const {
  const std::lock_guard lock(mutex_);
  return keep_alive_;
}

void Exchange::Disconnect() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    callback = std::move(on_disconnect_);
    on_disconnect_ = nullptr;
  }
  if (callback) callback();
}

}  // namespace mao
