// One request and its response, between a connection and a handler.
#ifndef MAOOCR_SERVE_HTTP_EXCHANGE_H_
#define MAOOCR_SERVE_HTTP_EXCHANGE_H_

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/message.h"

namespace mao {

// The handler answers with Send, or with Begin, any number of Write, and End; from any thread, at
// once or later. The connection takes what is there. Nothing waits: what the client has not read
// yet is joined, and handlers bound what they write.
class Exchange {
 public:
  // `wake` tells the connection that there is something to take; it must not call back.
  Exchange(HttpRequest request, std::function<void()> wake)
      : request_(std::move(request)), wake_(std::move(wake)) {}

  const HttpRequest& request() const { return request_; }

  // For the handler. A second response is dropped.
  void Send(HttpResponse response);
  // A response of unknown length; head.body is its beginning.
  void Begin(HttpResponse head);
  void Write(std::string_view bytes);
  void End();
  // `bytes` are written whenever a begun response has been silent for so long: a sign of life.
  void SetKeepAlive(std::string bytes, std::chrono::milliseconds interval);
  // How far the work is, for jobs, which show it.
  void SetProgress(int64_t num_done, int64_t num_total);
  // Called once if the client goes away before the end; at once if it has gone already. Kept no
  // longer than that.
  void OnDisconnect(std::function<void()> callback);

  // For the connection.
  struct Pending {
    std::optional<HttpResponse> head;  // the first time
    bool is_streamed = false;          // of unknown length
    std::string bytes;                 // after the head
    bool ended = false;
    struct Progress {
      int64_t num_done;
      int64_t num_total;
    };
    std::optional<Progress> progress;  // the newest
  };
  // What has come since the last call; empty when nothing has.
  Pending Take();
  struct KeepAlive {
    std::string bytes;
    std::chrono::milliseconds interval{0};  // 0: none
  };
  KeepAlive keep_alive() const;
  // The client has gone.
  void Disconnect();

 private:
  const HttpRequest request_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  bool begun_ = false;
  bool gone_ = false;
  bool is_over_ = false;  // the end has been taken
  Pending pending_;
  KeepAlive keep_alive_;
  std::function<void()> on_disconnect_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_EXCHANGE_H_
