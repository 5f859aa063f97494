#include "serve/fetch/curl_transfer.h"

#include <algorithm>
#include <exception>

namespace mao {
namespace {

using std::chrono::milliseconds;

void InitializeCurl() {
  [[maybe_unused]] static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
}

// The first call of the library by whoever transfers: the other handle is made after this one.
CURLM* MakeMulti() {
  InitializeCurl();
  return curl_multi_init();
}

}  // namespace

CurlTransfer::CurlTransfer() : multi_(MakeMulti()), easy_(curl_easy_init()) { Reset(); }

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);
  curl_slist_free_all(headers_);
}

void CurlTransfer::Reset() {
  if (easy_ != nullptr) curl_easy_reset(easy_);
  curl_slist_free_all(headers_);
  headers_ = nullptr;
  on_body_ = nullptr;
  on_header_ = nullptr;
  refused_ = false;
  setup_ = easy_ == nullptr || multi_ == nullptr ? CURLE_OUT_OF_MEMORY : CURLE_OK;
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_QUICK_EXIT, 1L);     // a look-up that hangs is left behind
  Set(CURLOPT_TCP_KEEPALIVE, 1L);  // hosts that vanish without a word are noticed
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_PROXY, "");
  Set(CURLOPT_USERAGENT, "maoocr");
  Set(CURLOPT_WRITEFUNCTION, &CurlTransfer::TakeBody);
  Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  Set(CURLOPT_HEADERFUNCTION, &CurlTransfer::TakeHeader);
  Set(CURLOPT_HEADERDATA, static_cast<void*>(this));
}

void CurlTransfer::AddHeader(const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers_, line.c_str());
  if (longer == nullptr) {
    setup_ = CURLE_OUT_OF_MEMORY;
  } else {
    headers_ = longer;
  }
}

CurlTransfer::Outcome CurlTransfer::Run(Clock::time_point deadline, const GiveUpAt& give_up_at,
                                        const std::stop_token& stop) {
  Set(CURLOPT_HTTPHEADER, headers_);
  if (setup_ != CURLE_OK) return {End::kDone, setup_};
  if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return {End::kDone, CURLE_OUT_OF_MEMORY};
  Outcome outcome = Drive(deadline, give_up_at, stop);
  curl_multi_remove_handle(multi_, easy_);  // closes the connection of an unfinished transfer
  if (refused_) outcome.end = End::kRefused;
  return outcome;
}

CurlTransfer::Outcome CurlTransfer::Drive(Clock::time_point deadline, const GiveUpAt& give_up_at,
                                          const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
  while (true) {
    int num_running = 0;
    if (curl_multi_perform(multi_, &num_running) != CURLM_OK) {
      return {End::kDone, CURLE_OUT_OF_MEMORY};
    }
    if (num_running == 0) break;
    if (stop.stop_requested()) return {End::kStopped, CURLE_OK};
    const Clock::time_point now = Clock::now();
    if (now >= deadline) return {End::kDeadline, CURLE_OK};
    Clock::time_point next = deadline;
    if (give_up_at) {
      const Clock::time_point limit = give_up_at();
      if (now >= limit) return {End::kGivenUp, CURLE_OK};
      next = std::min(next, limit);
    }
    constexpr milliseconds kLongest{60'000};
    // Rounded up, or the last millisecond would be spent spinning.
    const auto wait = std::min(std::chrono::ceil<milliseconds>(next - now), kLongest);
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  int num_left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &num_left)) {
    if (message->msg == CURLMSG_DONE) return {End::kDone, message->data.result};
  }
  return {End::kDone, CURLE_OUT_OF_MEMORY};
}

size_t CurlTransfer::Take(const OnBytes& callback, std::string_view bytes) {
  if (!callback) return bytes.size();
  try {
    if (callback(bytes)) return bytes.size();
  } catch (const std::exception&) {  // must not pass through libcurl
  }
  refused_ = true;
  return CURL_WRITEFUNC_ERROR;
}

size_t CurlTransfer::TakeBody(char* data, size_t size, size_t count, void* self) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  return transfer->Take(transfer->on_body_, {data, size * count});
}

size_t CurlTransfer::TakeHeader(char* data, size_t size, size_t count, void* self) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  return transfer->Take(transfer->on_header_, {data, size * count});
}

long CurlTransfer::status() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::string CurlTransfer::redirect_url() const {
  char* url = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &url);
  return url == nullptr ? "" : url;
}

std::string CurlTransfer::Header(const char* name) const {
  curl_header* header = nullptr;
  if (curl_easy_header(easy_, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return "";
  return header->value;
}

std::string_view CurlErrorText(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return "the connection is refused or the host cannot be reached";
    case CURLE_OPERATION_TIMEDOUT:
      return "it takes too long";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return "the answer is cut off";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "its certificate cannot be trusted";
    case CURLE_SSL_CONNECT_ERROR:
      return "TLS fails";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "the answer is no HTTP";
    default:
      return curl_easy_strerror(code);
  }
}

}  // namespace mao
