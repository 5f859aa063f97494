// One HTTP transfer of libcurl that can be stopped at once.
#ifndef MAOOCR_SERVE_FETCH_CURL_TRANSFER_H_
#define MAOOCR_SERVE_FETCH_CURL_TRANSFER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "base/status.h"

namespace mao {

// Keeps its connection for the next transfer. One thread at a time.
class CurlTransfer {
 public:
  using Clock = std::chrono::steady_clock;
  // Takes a piece of the body, or a line of the head; false ends the transfer.
  using OnBytes = std::function<bool(std::string_view bytes)>;

  enum class End {
    kDone,      // see `code`
    kRefused,   // a callback returned false
    kStopped,   // by the stop token
    kDeadline,  // not done by then
    kGivenUp,   // the caller's own limit, see Run
  };
  struct Outcome {
    End end = End::kDone;
    CURLcode code = CURLE_OK;
  };

  CurlTransfer();
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Forgets all options but keeps connections. Then: HTTP/1.1 to http and https only, no redirects,
  // no proxy, no signals.
  void Reset();
  template <typename T>
  void Set(CURLoption option, T value) {
    if (setup_ == CURLE_OK) setup_ = curl_easy_setopt(easy_, option, value);
  }
  void AddHeader(const std::string& line);
  void OnBody(OnBytes callback) { on_body_ = std::move(callback); }
  void OnHeader(OnBytes callback) { on_header_ = std::move(callback); }

  // When to give up, asked again whenever something has moved.
  using GiveUpAt = std::function<Clock::time_point()>;
  // Empty give_up_at: there is only the deadline.
  Outcome Run(Clock::time_point deadline, const GiveUpAt& give_up_at, const std::stop_token& stop);

  // Of the answer; 0 before there is one.
  long status() const;
  // Where the answer redirects to, as a whole URL; empty: it does not.
  std::string redirect_url() const;
  std::string Header(const char* name) const;

 private:
  static size_t TakeBody(char* data, size_t size, size_t count, void* self);
  static size_t TakeHeader(char* data, size_t size, size_t count, void* self);
  size_t Take(const OnBytes& callback, std::string_view bytes);
  Outcome Drive(Clock::time_point deadline, const GiveUpAt& give_up_at,
                const std::stop_token& stop);

  CURLM* multi_;
  CURL* easy_;
  curl_slist* headers_ = nullptr;
  CURLcode setup_ = CURLE_OK;
  OnBytes on_body_;
  OnBytes on_header_;
  bool refused_ = false;
};

// "cannot connect", ...: what went wrong, without anything of the URL.
std::string_view CurlErrorText(CURLcode code);

}  // namespace mao

#endif  // MAOOCR_SERVE_FETCH_CURL_TRANSFER_H_
